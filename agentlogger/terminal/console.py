"""The terminal that is written to: colours where they are wanted, and width where it has one."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Literal

from rich.console import Console

UNBOUNDED = 100_000
"""The width of a pipe: a line is a line there, however long."""

LEVELS = {
    "fatal": "bold reverse red",
    "error": "bold red",
    "warn": "bold yellow",
    "info": "",
    "debug": "dim",
    "trace": "dim",
}
"""Styles that can be read on a light and on a dark ground: the terminal's own colours, few."""

AGENT, WHAT, QUIET, FAILED = "cyan", "bold", "dim", "bold red"


def console(*, stderr: bool = False) -> Console:
    """A console that takes log text for nothing but text.

    Without a terminal, with NO_COLOR, or with TERM=dumb it writes no escape at all; FORCE_COLOR has
    colours in a pipe, for `less -R`.
    """
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        # Where the locale has no character for a letter, its number stands for it.
        stream.reconfigure(errors="backslashreplace")
    made = _plain(stderr, "auto")
    if made.no_color:
        # rich would still write bold and dim.
        made = _plain(stderr, None)
    if not is_terminal(made):
        made.width = UNBOUNDED
    return made


def _plain(stderr: bool, colours: Literal["auto"] | None) -> Console:
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, color_system=colours)


def is_terminal(of: Console) -> bool:
    """Whether a person sees it as it is written."""
    return bool(of.file.isatty())


def note(sentence: str) -> None:
    """A word beside the answer, which no pipe carries away."""
    console(stderr=True).print(sentence, style=QUIET)
