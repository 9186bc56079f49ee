"""Log text made harmless for a terminal, and visibly so: it may move nothing and hide nothing."""

from __future__ import annotations

import re

from rich.text import Text

from agentlogger.showing.characters import HOSTILE, on_one_line, written

ENDS = re.compile("\r\n|\n")
MARK = "reverse"
"""The style of what stands for a character that is not shown."""


def marked(text: str, style: str = "") -> Text:
    """The text for a terminal: what is written out stands out, so that none can be faked."""
    shown = Text(style=style)
    begin = 0
    for match in HOSTILE.finditer(text):
        shown.append(text[begin : match.start()])
        shown.append(written(match[0]), MARK)
        begin = match.end()
    return shown.append(text[begin:])


def marked_line(text: str, style: str = "") -> Text:
    """The same as one line."""
    return marked(on_one_line(text), style)


def lines(text: str) -> list[str]:
    """The lines of a text, with their ends taken away and tabs set to eight columns."""
    return [line.expandtabs() for line in ENDS.split(text)]
