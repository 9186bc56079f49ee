"""Columns over time, as a picture that the server draws: each of them stacked of kinds.

Across, places are hundredths of the width, as in a timeline; upwards they are pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentlogger.blueprints.pages.timeline import Mark, Scale
from agentlogger.intake import times
from agentlogger.store.clock import DAY_NS
from agentlogger.store.histogram import LADDER, MINUTE

LEAST_HEIGHT = 3.0
"""Of a piece, in pixels: one error among thousands of records is still seen."""

WIDEST = 6.0
"""Of a column, in hundredths: a few of them would be walls otherwise."""

FILLED = 0.84
"""How much of its place a column takes, so that there is a gap to the next."""

TICKS = 9
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
YEAR_NS = 364 * DAY_NS


@dataclass(frozen=True)
class Piece:
    """A part of a column, of one kind."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Place:
    """Where a column stands, and the place around it that is its own."""

    x: float
    width: float
    slot_x: float
    slot_width: float


def place(scale: Scale, from_ns: int, to_ns: int) -> Place:
    """Where the column of a span of time stands."""
    begin, end = scale.x(from_ns), scale.x(to_ns)
    slot = end - begin
    width = min(WIDEST, slot * FILLED)
    return Place(
        round(begin + (slot - width) / 2, 3), round(width, 3), round(begin, 3), round(slot, 3)
    )


def stacked(amounts: Sequence[tuple[str, int]], most: int, height: int) -> list[Piece]:
    """The pieces of a column from its foot upwards, of one that is `most` as tall as `height`."""
    talls = {
        kind: max(LEAST_HEIGHT, height * amount / max(1, most))
        for kind, amount in amounts
        if amount
    }
    over = sum(talls.values()) - height
    if over > 0:
        # What the small ones got above their share is taken from the largest.
        talls[max(talls, key=lambda kind: talls[kind])] -= over
    pieces, y = [], float(height)
    for kind, tall in talls.items():
        y -= tall
        pieces.append(Piece(kind, round(y, 2), round(tall, 2)))
    return pieces


def clock_ticks(scale: Scale) -> list[Mark]:
    """Round times of day, or days, within a span of time, in UTC."""
    length = scale.end_ns - scale.begin_ns
    step = next((one for one in LADDER if length / one <= TICKS), LADDER[-1])
    first = -(-scale.begin_ns // step) * step
    moments = range(first, scale.end_ns, step)
    return [Mark(scale.x(one), _label(one, step)) for one in moments if scale.x(one) >= 1]


def day_ticks(scale: Scale) -> list[Mark]:
    """Days by their names, each in the middle of its column, up to the last one."""
    every = -(-(scale.end_ns - scale.begin_ns) // (TICKS * DAY_NS)) * DAY_NS
    days = range(scale.end_ns - DAY_NS, scale.begin_ns - 1, -every)
    return [Mark(scale.x(day + DAY_NS // 2), _label(day, DAY_NS)) for day in days]


def _label(at_ns: int, step: int) -> str:
    iso = times.to_iso(at_ns)
    if step >= YEAR_NS:
        return iso[:7]
    if at_ns % DAY_NS == 0 or step >= DAY_NS:
        return f"{int(iso[8:10])} {MONTHS[int(iso[5:7]) - 1]}"
    return iso[11:16] if step >= MINUTE else iso[11:19]
