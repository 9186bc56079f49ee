"""Records for a language model: as little as says what happened, within so many tokens.

What is left out is said, and how to get it: a model cannot ask for what it does not know of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from agentlogger.showing.characters import one_line, visible
from agentlogger.showing.lines import Record, line_of
from agentlogger.terminal.moments import moment_of
from agentlogger.terminal.tokens import estimate

TOKENS = 4_000
"""The bound that holds where nobody has said another: an answer that a model reads as a whole."""

TOKENS_LEAST, TOKENS_MOST = 500, 100_000

TEXTS = (2_000, 1_000, 500, 250, 120)
"""To how many characters texts are cut, less first; under the last, whole records are left out."""

VALUES = (100_000, 20_000, 8_000, 4_000, 2_000, 1_000, 500, 250, 120, 60, 30)
"""The same of the values of one record."""

RESERVED = 250
"""Tokens for the heading, and for what is said of what is left out."""

SESSION_CHARACTERS = 8
ARROW = "->"


@dataclass(frozen=True)
class Brief:
    """A text, and how many of the records stand in it."""

    text: str
    shown: int


def of_records(
    records: Sequence[Record], tokens: int, *, has_more: bool, older: Callable[[int], str]
) -> Brief:
    """Records, newest first as they come, as lines from the oldest on.

    `older` says how to ask for what is before the records that are shown.
    """
    room = tokens - RESERVED
    limit = TEXTS[-1]
    for limit in TEXTS:
        lines = [_line(record, limit, records) for record in records]
        if sum(estimate(line) + 1 for line in lines) <= room:
            break
    shown = first_that_fit(lines, room)
    cut = sum(len(line_of(record).text) > limit for record in records[:shown])
    left = len(records) - shown
    count = f"{shown} records" if shown != 1 else "1 record"
    head = f"{count}, oldest first, UTC. time level agent [session] what figures | text | id"
    foot = []
    if cut:
        foot.append(f"{cut} texts are cut to {limit} characters: `agentlogger show ID` has all.")
    if left or has_more:
        number = f"{left} older records" if left and not has_more else "Older records"
        foot.append(f"{number} are left out: {older(shown)}")
    if not left and not has_more:
        foot.append("Nothing is left out." if not cut else "No record is left out.")
    return Brief("\n".join([head, *_with_days(records[:shown], lines[:shown]), *foot]), shown)


def of_record(record: Record, tokens: int) -> str:
    """One record: what it says, then each of its values that is set."""
    values = _values(record)
    for limit in VALUES:
        lines = [f"{name}: {shortened(text, limit)}" for name, text in values]
        if sum(estimate(line) + 1 for line in lines) <= tokens - RESERVED:
            break
    shown = first_that_fit(lines, tokens - RESERVED)
    cut = [name for name, text in values[:shown] if len(text) > limit]
    foot = []
    if cut:
        names = ", ".join(one_line(name)[:40] for name in cut[:5])
        more = f" and {len(cut) - 5} more" if len(cut) > 5 else ""  # noqa: PLR2004
        foot.append(f"Cut to {limit} characters: {names}{more}.")
    if shown < len(values):
        foot.append(f"{len(values) - shown} values are left out.")
    if foot:
        foot.append("Ask for more with --tokens, or for all with --json.")
    return "\n".join([*lines[:shown], *foot])


def _line(record: Record, limit: int, among: Sequence[Record]) -> str:
    line = line_of(record)
    parts = [f"{moment_of(int(record['ts_ns']), UTC):%H:%M:%S}", line.level[:1].upper()]
    parts.append(one_line(line.agent)[:30])
    session = record.get("session_id") or ""
    if any((other.get("session_id") or "") != session for other in among):
        parts.append(f"[{one_line(session)[:SESSION_CHARACTERS]}]" if session else "")
    parts.append(one_line(line.what)[:60])
    if line.failed:
        parts.append("FAILED")
    parts.append(line.figures.replace("→", ARROW))
    said = " ".join(part for part in parts if part)
    text = shortened(one_line(line.text), limit)
    return " | ".join(part for part in (said, text, record["id"]) if part)


def _with_days(records: Sequence[Record], lines: Sequence[str]) -> list[str]:
    """The lines from the oldest on, with a day where one begins."""
    told, day = [], ""
    for record, line in zip(reversed(records), reversed(lines), strict=True):
        of_record = f"{moment_of(int(record['ts_ns']), UTC):%Y-%m-%d}"
        if of_record != day:
            told.append(of_record)
            day = of_record
        told.append(line)
    return told


def first_that_fit(lines: Sequence[str], room: int) -> int:
    """How many of the first lines take no more tokens than there is room for."""
    taken = 0
    for number, line in enumerate(lines):
        taken += estimate(line) + 1
        if taken > room:
            return number
    return len(lines)


def _values(record: Record) -> list[tuple[str, str]]:
    """What is set in a record, attributes one by one, as texts."""
    found: list[tuple[str, str]] = []
    for name, value in record.items():
        if value in (None, "", {}, []):
            continue
        if name in {"attributes", "resource", "scope"} and isinstance(value, dict):
            found += [(f"{name}.{visible(key)}", _text(one)) for key, one in value.items()]
        else:
            found.append((name, _text(value)))
    return found


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(text)


def shortened(text: str, limit: int) -> str:
    """The beginning of a text, and how many characters more it has."""
    return text if len(text) <= limit else f"{text[:limit]}… (+{len(text) - limit})"
