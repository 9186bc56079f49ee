"""A record as one line: when, how severe, who, what, its figures, and what it says."""

from __future__ import annotations

from datetime import datetime, tzinfo

from rich.cells import cell_len
from rich.text import Text

from agentlogger.showing.lines import Line, Record, line_of
from agentlogger.terminal import console
from agentlogger.terminal.moments import moment_of
from agentlogger.terminal.visible import marked_line

TEXT_CHARACTERS = 2_000
"""So much of a text is looked at for a line; a list gives no more of a large body either."""

AGENT_CELLS, AGENT_CELLS_NARROW = 14, 11
NARROW, IDS_FROM = 100, 132
"""Columns of a terminal under which a line is set closer, and from which it has room for its id."""

TIME_CELLS, LEVEL_CELLS, ID_CELLS = 12, 5, 26
LEAST_TEXT_CELLS = 10


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
