"""Text on its way into a page: log text is only ever text, and hides nothing there.

Jinja escapes what a template puts out. Before that, this room writes out the characters that would
hide, turn or move what stands beside them, in everything that a template puts out.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from markupsafe import Markup, escape

from agentlogger.showing import figures
from agentlogger.showing.characters import HOSTILE, one_line, written

KEPT = "\n\t"
"""What sets a text on a page, and does no harm there."""


class Typed(Markup):
    """Text that a person typed and gets back to change: what is in it stays as it is."""


def init_app(app: Flask) -> None:
    """Have every template put out harmless text."""
    # Before any template is compiled: the compiled code has the call in it.
    app.jinja_env.finalize = harmless
    app.jinja_env.filters |= {
        "marked": marked,
        "typed": typed,
        "one_line": one_line,
        "count": figures.count,
        "dollars": figures.dollars,
        "took": figures.duration,
        "of": figures.of,
    }


def harmless(given: Any) -> Any:
    r"""What a template puts out, its hostile characters written out: `\u202e`."""
    if not isinstance(given, str) or isinstance(given, Typed) or not HOSTILE.search(given):
        return given
    plain = HOSTILE.sub(lambda match: _kept(match[0]) or written(match[0]), _ends(given))
    # Written out they are letters and digits behind a backslash, which need no escaping.
    return Markup(plain) if isinstance(given, Markup) else plain  # noqa: S704  (it was markup)


def marked(text: str) -> Markup:
    """The same for a text between tags: what is written out stands out, so that none is faked."""
    parts: list[Markup] = []
    begin, text = 0, _ends(text)
    for match in HOSTILE.finditer(text):
        if _kept(match[0]):
            continue
        parts.append(escape(text[begin : match.start()]))
        parts.append(Markup('<span class="odd">{}</span>').format(written(match[0])))
        begin = match.end()
    return Markup("").join([*parts, escape(text[begin:])])


def typed(text: str | None) -> Typed:
    """A text for the value of a field."""
    return Typed(escape(text or ""))


def _ends(text: str) -> str:
    """Ends of lines as one character; a carriage return alone is none, and is written out."""
    return text.replace("\r\n", "\n")


def _kept(character: str) -> str:
    return character if character in KEPT else ""
