"""The histogram above the stream: how many of its records there were when, and how severe."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentlogger.blueprints.histogram import counted
from agentlogger.blueprints.pages import asked
from agentlogger.blueprints.pages.asked import Given
from agentlogger.blueprints.pages.columns import Piece, Place, clock_ticks, place, stacked
from agentlogger.blueprints.pages.timeline import Mark, Scale
from agentlogger.errors import QueryTooSlow
from agentlogger.intake import times
from agentlogger.intake.severity import band_name
from agentlogger.limits import TIME_MAX_NS
from agentlogger.schemas.arguments import read_arguments
from agentlogger.schemas.histogram import HistogramQuerySchema
from agentlogger.showing import figures

HEIGHT = 64
"""Of the columns, in pixels."""

LEVELS = ("fatal", "error", "warn", "info", "debug", "trace", "unset")
"""From the foot of a column upwards: what is bad stands on the ground line, where it compares."""

STREAM = "stream.show"


@dataclass(frozen=True)
class Column:
    """The records of a span of time."""

    at: Place
    pieces: list[Piece]
    from_ns: int
    to_ns: int
    href: str
    when: str
    records: int
    levels: list[tuple[str, int]]

    @property
    def title(self) -> str:
        """What it says in words."""
        told = ", ".join(f"{number:,} {name}" for name, number in self.levels)
        records = figures.of(self.records, "record")
        return f"{self.when}: {records}{f' ({told})' if told else ''}"


@dataclass(frozen=True)
class Histogram:
    """The columns, what their kinds are, and what must be said of them."""

    columns: list[Column]
    ticks: list[Mark]
    legend: list[tuple[str, int]]
    records: int
    most: int
    each: str
    counted_from: str
    """Since when they are counted, where that is not since what was asked for."""
    at: str = ""
    """When they were counted."""
    is_too_slow: bool = False

    height = HEIGHT


NOTHING = Histogram([], [], [], 0, 0, "", "")
TOO_SLOW = Histogram([], [], [], 0, 0, "", "", is_too_slow=True)


def histogram_of(given: Given) -> Histogram:
    """What a list with these parameters has, drawn. Raises QueryInvalid, QueryTooLarge."""
    try:
        wanted = read_arguments(HistogramQuerySchema, asked.filters(given))
        found = counted(wanted)
    except QueryTooSlow:
        return TOO_SLOW
    items = found["items"]
    if not items:
        return NOTHING
    bucket_ns, first_ns = found["bucket_ns"], found["counted_from_ns"]
    scale = Scale(items[0]["ts_ns"], items[-1]["ts_ns"] + bucket_ns)
    most = max(item["records"] for item in items)
    # The last one counts no further than was asked for, so its link leads no further.
    until_ns = wanted.get("to_ns", TIME_MAX_NS)
    spans = [
        (max(item["ts_ns"], first_ns), min(item["ts_ns"] + bucket_ns, until_ns)) for item in items
    ]
    columns = [
        _column(given, item, span, scale, most) for item, span in zip(items, spans, strict=True)
    ]
    total = dict.fromkeys(LEVELS, 0)
    for column in columns:
        for name, number in column.levels:
            total[name] += number
    return Histogram(
        columns=columns,
        ticks=clock_ticks(scale),
        legend=[(name, number) for name, number in total.items() if number],
        records=found["records"],
        most=most,
        each=figures.length(bucket_ns),
        counted_from="" if found["exact"] else asked.moment(first_ns),
        at=times.to_iso(time.time_ns()),
    )


def _column(
    given: Given, item: Mapping[str, Any], span_ns: tuple[int, int], scale: Scale, most: int
) -> Column:
    begin, end = span_ns
    levels = dict.fromkeys(LEVELS, 0)
    for number, records in item["severities"].items():
        levels[band_name(number)] += records
    amounts = [(name, records) for name, records in levels.items() if records]
    span = {"from": asked.moment(begin), "to": asked.moment(end)}
    return Column(
        at=place(scale, begin, end),
        pieces=stacked(amounts, most, HEIGHT),
        from_ns=begin,
        to_ns=end,
        href=asked.changed(STREAM, given, span),
        when=times.to_iso(item["ts_ns"])[:19].replace("T", " "),
        records=item["records"],
        levels=amounts,
    )
