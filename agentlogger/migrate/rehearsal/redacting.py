"""What may be said of a statement or a fault without a value of anybody's row in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import Refused

STRING = "'?'"
NUMBER = "?"
NAME = '"?"'

TOKENS = re.compile(
    r"(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*')"
    r"|(?P<string>(?:\b(?:[nNxXbB]|[uU]&))?'(?:[^']|'')*')"
    r'|(?P<name>"(?:[^"]|"")*"|`[^`]*`)'
    r"|(?P<number>(?<![\w$])\d[\w.]*)"
    # What is opened and never closed: nobody can tell what it is, so all of it goes.
    r"|(?P<rest>['\"`].*|/\*.*|\$\w*\$.*)",
    re.DOTALL,
)

WORD = re.compile(r"\w+")


def without_literals(sql: str, known: frozenset[str]) -> str:
    """A statement without its literals and comments, on one line.

    A name in quotes stays where it is `known`: SQLite takes others for strings.
    """

    def replaced(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "name":
            bare = match[0][1:-1].replace('""', '"')
            return match[0] if bare in known else NAME
        if kind == "number":
            return NUMBER
        return " " if kind == "comment" else STRING

    return " ".join(TOKENS.sub(replaced, sql).split())


def names_in(keys: Iterable[str]) -> frozenset[str]:
    """The names that stand in keys of a catalogue."""
    return frozenset(word for key in keys for word in WORD.findall(key))


def reason(fault: BaseException, known: frozenset[str]) -> str:
    """What went wrong: the kind of fault and the known names that its text has, no value."""
    said = fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault
    kind = getattr(said, "sqlite_errorname", None) or type(said).__name__
    if isinstance(fault, Refused):
        # Its sentence may quote a condition with values in it; `flask db upgrade` says all of it.
        return f"the cause `{fault.code}` ({fault.exit_code})"
    if not isinstance(fault, DBAPIError):
        return kind
    first = str(said).strip().partition("\n")[0]
    names = [word for word in dict.fromkeys(WORD.findall(first)) if word in known]
    return f"{kind}, of {', '.join(names)}" if names else kind
