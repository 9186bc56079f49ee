"""A record as one line: when, how severe, who, what, its figures, and what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from agentlogger.intake.severity import band_name
from agentlogger.terminal import console, figures
from agentlogger.terminal.moments import moment_of
from agentlogger.terminal.visible import marked_line

Record = Mapping[str, Any]

SAYING = (
    "prompt", "response", "error.message", "error", "output", "arguments", "function_args",
    "tool_input", "tool_parameters", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
    "input.value", "event.kind", "decision",
)  # fmt: skip
"""Attributes that stand for a body where there is none, those first that say most."""

FAMILIES = ("claude_code.", "codex.", "gemini_cli.")
"""What the events of an agent begin with, whose name stands before them already."""

PLAIN = "log"
"""The kind of what is of no other, which says nothing."""

TEXT_CHARACTERS = 2_000
"""So much of a text is looked at for a line; a list gives no more of a large body either."""

AGENT_CELLS, AGENT_CELLS_NARROW = 14, 11
NARROW, IDS_FROM = 100, 132
"""Columns of a terminal under which a line is set closer, and from which it has room for its id."""

TIME_CELLS, LEVEL_CELLS, ID_CELLS = 12, 5, 26
LEAST_TEXT_CELLS = 10


@dataclass(frozen=True)
class Line:
    """What a line says of a record, its texts as they were sent."""

    level: str
    agent: str
    what: str
    failed: bool
    figures: str
    text: str


def line_of(record: Record) -> Line:
    """What a line says of a record of the API."""
    return Line(
        level=band_name(record["severity_number"]),
        agent=record.get("agent") or "",
        what=_what(record),
        failed=record.get("ok") is False,
        figures=figures_of(record),
        text=text_of(record),
    )


def text_of(record: Record) -> str:
    """What a record says: why it failed, else its body, else the attribute that says most."""
    if record.get("ok") is False and record.get("error_message"):
        return str(record["error_message"])
    body = record.get("body")
    if body in (None, "", record.get("event"), {}, []):
        attributes = record.get("attributes") or {}
        body = next(
            (attributes[name] for name in SAYING if attributes.get(name) not in (None, "")),
            record.get("error_message") or record.get("error_type") or "",
        )
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _what(record: Record) -> str:
    """What happened: a tool or a model by its name, else the event without its family's."""
    kind = record.get("kind") or ""
    named = {"tool": record.get("tool"), "llm": record.get("model")}.get(kind)
    if named:
        return str(named)
    event = short_event(record.get("event") or (kind if kind != PLAIN else ""))
    return f"{event} {record['tool']}" if record.get("tool") else event


def short_event(event: str) -> str:
    """An event without the name of its agent."""
    for family in FAMILIES:
        event = event.removeprefix(family)
    return event


def figures_of(record: Record) -> str:
    """Tokens, cost and duration, as far as they are known."""
    parts = []
    tokens_in, tokens_out = record.get("tokens_in"), record.get("tokens_out")
    if tokens_in is not None or tokens_out is not None:
        parts.append(f"{figures.count(tokens_in)}→{figures.count(tokens_out)}")
    if record.get("cost_micro_usd") is not None:
        parts.append(figures.dollars(record["cost_micro_usd"]))
    if record.get("duration_ns") is not None:
        parts.append(figures.duration(record["duration_ns"]))
    return " ".join(parts)


class Layout:
    """Sets lines for a terminal of some width, or for a pipe; one line never becomes two."""

    def __init__(self, width: int | None, *, ids: bool, zone: tzinfo | None) -> None:
        self._width = width
        self._zone = zone
        self._ids = ids or width is None or width >= IDS_FROM
        is_narrow = width is not None and width < NARROW
        self._agent = AGENT_CELLS_NARROW if is_narrow else AGENT_CELLS
        self._day = ""

    def day(self, record: Record) -> Text | None:
        """A heading where another day begins; a pipe has the day in each line."""
        moment = self._moment(record)
        if self._width is None or f"{moment:%Y-%m-%d}" == self._day:
            return None
        self._day = f"{moment:%Y-%m-%d}"
        return Text(f"── {moment:%a} {self._day} {zone_of(moment)}", console.QUIET)

    def set(self, record: Record) -> Text:
        """The line of a record."""
        line = line_of(record)
        moment = self._moment(record)
        clock = f"{moment:%H:%M:%S}.{moment.microsecond // 1_000:03d}"
        if self._width is None:
            clock = f"{moment:%Y-%m-%d}T{clock}{moment:%z}"
        row = Text(no_wrap=True)
        row.append(clock, console.QUIET).append(" ")
        level = f"{line.level.upper():{LEVEL_CELLS}.{LEVEL_CELLS}}"
        row.append(level, console.LEVELS.get(line.level, "")).append(" ")
        row.append_text(_fitted(marked_line(line.agent, console.AGENT), self._agent)).append(" ")
        room = self._room(row)
        said = said_by(line)
        if room is not None:
            said = _cut(said, room)
        row.append_text(said)
        if self._ids:
            gap = 1 if self._width is None else max(1, self._width - ID_CELLS - row.cell_len)
            row.append(" " * gap).append_text(marked_line(record["id"], console.QUIET))
        return row

    def _room(self, row: Text) -> int | None:
        if self._width is None:
            return None
        taken = row.cell_len + (ID_CELLS + 1 if self._ids else 0)
        return max(LEAST_TEXT_CELLS, self._width - taken)

    def _moment(self, record: Record) -> datetime:
        return moment_of(int(record["ts_ns"]), self._zone)


def said_by(line: Line) -> Text:
    """What happened, its figures, and the text, in one line."""
    parts = [marked_line(line.what, console.WHAT)]
    if line.failed:
        parts.append(Text("✗", console.FAILED))
    parts.append(Text(line.figures, console.QUIET))
    said = Text(" ").join(part for part in parts if part)
    text = marked_line(line.text[:TEXT_CHARACTERS])
    if len(line.text) > TEXT_CHARACTERS:
        text.append("…")
    return Text("  ").join(part for part in (said, text) if part)


def zone_of(moment: datetime) -> str:
    """The zone of a time, as people name it."""
    offset = moment.strftime("%z")
    return "UTC" if offset == "+0000" else f"UTC{offset[:3]}:{offset[3:5]}"


def _fitted(text: Text, cells: int) -> Text:
    """Exactly so wide."""
    shown = _cut(text, cells)
    shown.append(" " * (cells - cell_len(shown.plain)))
    return shown


def _cut(text: Text, cells: int) -> Text:
    text.truncate(cells, overflow="ellipsis")
    return text


def heading_of(record: Record) -> Text:
    """A record's first words where it is shown alone."""
    line = line_of(record)
    head = Text()
    head.append(line.level.upper(), console.LEVELS.get(line.level, ""))
    head.append("  ").append_text(marked_line(line.agent, console.AGENT))
    head.append("  ").append_text(marked_line(line.what, console.WHAT))
    if line.failed:
        head.append(" ✗", console.FAILED)
    if line.figures:
        head.append(f"  {line.figures}", console.QUIET)
    return head
