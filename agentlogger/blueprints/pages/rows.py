"""A record as a row of a list: what the stream, a run and a record's neighbours show of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentlogger.intake import times
from agentlogger.showing import figures
from agentlogger.showing.characters import on_one_line
from agentlogger.showing.lines import line_of

TEXT_CHARACTERS = 400
"""So much of a text a row has at most: more than the widest screen shows of a line."""

ICONS = {
    "prompt": "prompt", "response": "response", "llm": "call", "call": "call", "tool": "tool",
    "decision": "decision", "error": "error", "agent": "agent", "session": "agent",
    "retrieval": "retrieval", "eval": "decision",
}  # fmt: skip
"""Which picture stands for which kind; all others have that of a plain record."""


@dataclass(frozen=True)
class Line:
    """What a row shows, its texts as they were sent."""

    id: str
    iso: str
    level: str
    is_derived: bool
    """Whether the emitter set no severity, and the level was made of what happened."""
    agent: str
    kind: str
    icon: str
    what: str
    text: str
    is_cut: bool
    failed: bool
    tokens: str
    cost: str
    took: str
    session: str
    trace: str

    @property
    def date(self) -> str:
        """The day, in UTC."""
        return self.iso[:10]

    @property
    def clock(self) -> str:
        """The time of day to the millisecond, in UTC."""
        return self.iso[11:23]


def row_of(record: Mapping[str, Any]) -> Line:
    """A record of the store as a row."""
    line = line_of(record)
    # Twice as much: blanks become fewer.
    text = on_one_line(line.text[: TEXT_CHARACTERS * 2])
    return Line(
        id=record["public_id"],
        iso=times.to_iso(record["ts_ns"]),
        level=line.level,
        is_derived=record["severity_source"] == "derived",
        agent=line.agent,
        kind=record["kind"],
        icon=icon_of(record["kind"]),
        what=line.what or record["kind"],
        text=text[:TEXT_CHARACTERS],
        is_cut=len(text) > TEXT_CHARACTERS or len(line.text) > TEXT_CHARACTERS * 2,
        failed=line.failed,
        tokens=tokens_of(record),
        cost=_known(figures.dollars, record["cost_micro_usd"]),
        took=_known(figures.duration, record["duration_ns"]),
        session=record["session_id"] or "",
        trace=record["trace_id"] or "",
    )


def icon_of(kind: str) -> str:
    """The picture of a kind."""
    return ICONS.get(kind, "record")


def tokens_of(record: Mapping[str, Any]) -> str:
    """Tokens in and out, or nothing where neither is known."""
    tokens_in, tokens_out = record["tokens_in"], record["tokens_out"]
    if tokens_in is None and tokens_out is None:
        return ""
    return f"{figures.count(tokens_in)}→{figures.count(tokens_out)}"


def _known(shown: Any, number: int | None) -> str:
    return "" if number is None else str(shown(number))
