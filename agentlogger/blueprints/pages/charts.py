"""Charts of groups: for each group a bar, or over days a column, stacked of kinds.

A group of which nothing is known has no bar, and its value says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentlogger.blueprints.pages.columns import Piece, Place, day_ticks, place, stacked
from agentlogger.blueprints.pages.timeline import Mark, Scale
from agentlogger.showing import figures
from agentlogger.store.clock import DAY_NS
from agentlogger.store.rows import Row

SHOWN = 8
"""Bars of a chart: those of the largest sums. The table has all."""

HEIGHT = 96
"""Of the columns, in pixels."""

FEWEST_DAYS = 7
"""A chart of fewer days begins before the first one, for two columns tell nothing of a course."""

Amounts = list[tuple[str, int]] | None
"""What a bar is stacked of: kinds with numbers. None where nothing is known."""


@dataclass(frozen=True)
class Group:
    """What calls have in common, and their numbers."""

    name: str
    """Empty where they do not tell it."""
    href: str
    row: Row
    day_ns: int | None = None


@dataclass(frozen=True)
class Measure:
    """What a chart shows of each group."""

    title: str
    of: Callable[[Row], Amounts]
    text: Callable[[Row], str]
    """The same as a figure; of a total too."""
    whole: Callable[[int], str]
    """How the largest sum is written."""
    note: str = ""


@dataclass(frozen=True)
class Bar:
    """A group's bar, lying; its pieces are places from 0 to 100."""

    name: str
    href: str
    pieces: list[tuple[str, float, float]]
    text: str
    title: str


@dataclass(frozen=True)
class Column:
    """A day's column."""

    at: Place
    href: str
    pieces: list[Piece]
    title: str


@dataclass(frozen=True)
class Chart:
    """One measure of all groups, drawn."""

    title: str
    kinds: list[str]
    bars: list[Bar]
    columns: list[Column]
    ticks: list[Mark]
    most: str
    more: int
    """Groups that are not drawn."""
    note: str

    height = HEIGHT


def chart_of(measure: Measure, groups: Sequence[Group]) -> Chart | None:
    """A measure of groups drawn; None where it is known of none of them, or 0 of all."""
    amounts = [(group, measure.of(group.row)) for group in groups]
    known = [(group, found) for group, found in amounts if found is not None]
    most = max((sum(number for _, number in found) for _, found in known), default=0)
    if most == 0:
        return None
    kinds = list(dict.fromkeys(kind for _, found in known for kind, number in found if number))
    days = [group.day_ns for group in groups if group.day_ns is not None]
    scale = _days(days) if days else None
    # Those of the largest sums first; what is unknown stands behind them all.
    ranked = sorted(
        amounts, key=lambda one: -1 if one[1] is None else sum(n for _, n in one[1]), reverse=True
    )
    return Chart(
        title=measure.title,
        kinds=kinds,
        bars=[] if scale else [_bar(measure, one, found, most) for one, found in ranked[:SHOWN]],
        columns=[_column(measure, one, found or [], scale, most) for one, found in amounts]
        if scale
        else [],
        ticks=day_ticks(scale) if scale else [],
        most=measure.whole(most),
        more=0 if scale else max(0, len(ranked) - SHOWN),
        note=measure.note,
    )


def _days(days: Sequence[int]) -> Scale:
    last = max(days) + DAY_NS
    return Scale(min(*days, last - FEWEST_DAYS * DAY_NS), last)


def _bar(measure: Measure, group: Group, found: Amounts, most: int) -> Bar:
    pieces, x = [], 0.0
    for kind, number in found or []:
        if number:
            width = 100 * number / most
            pieces.append((kind, round(x, 3), round(width, 3)))
            x += width
    title = _title(measure, group, found)
    return Bar(group.name, group.href, pieces, measure.text(group.row), title)


def _column(
    measure: Measure, group: Group, found: Sequence[tuple[str, int]], scale: Scale, most: int
) -> Column:
    day_ns = group.day_ns or 0
    return Column(
        at=place(scale, day_ns, day_ns + DAY_NS),
        href=group.href,
        pieces=stacked(found, most, HEIGHT),
        title=_title(measure, group, list(found)),
    )


def _title(measure: Measure, group: Group, found: Amounts) -> str:
    told = ", ".join(f"{measure.whole(number)} {kind}" for kind, number in found or [] if number)
    name = group.name or "unknown"
    whole = f"{name}: {measure.text(group.row)}"
    return f"{whole} ({told})" if found and len(found) > 1 and told else whole


def percentiles(row: Row) -> Amounts:
    """How long calls took, each percentile as what it is longer than the one before."""
    p50, p95, p99 = (row[f"duration_p{percent}_ns"] for percent in (50, 95, 99))
    if p50 is None:
        return None
    return [("p50", p50), ("p95", p95 - p50), ("p99", p99 - p95)]


def took(row: Row) -> str:
    """The same in figures."""
    if row["duration_p50_ns"] is None:
        return "unknown"
    return " / ".join(figures.duration(row[f"duration_p{one}_ns"]) for one in (50, 95, 99))
