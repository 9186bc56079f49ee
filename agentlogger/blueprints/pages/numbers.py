"""The page of numbers: what calls came to, in all and by what they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from agentlogger.blueprints.gate import needs
from agentlogger.blueprints.logs import wanted_of
from agentlogger.blueprints.numbers import measured
from agentlogger.blueprints.pages import asked
from agentlogger.blueprints.pages.asked import Choice, Given
from agentlogger.blueprints.pages.charts import (
    Amounts,
    Chart,
    Measure,
    chart_of,
    percentiles,
    took,
)
from agentlogger.blueprints.pages.layout import own_project
from agentlogger.blueprints.pages.streaming import streamed
from agentlogger.blueprints.pages.ways import Ways
from agentlogger.errors import Refusal
from agentlogger.limits import PAGE_RECORDS
from agentlogger.schemas.arguments import read_arguments
from agentlogger.schemas.numbers import GROUPS, NumbersQuerySchema
from agentlogger.showing import figures
from agentlogger.store.rows import Row

numbers_page = Blueprint("numbers_page", __name__)

HERE = "numbers_page.show"
CHIPS = ("event", "session", "model", "trace", "severity", "severity_min")
BY = "model"
"""What calls are grouped by where nobody says."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Figure:
    """A number in words, what must be said of it, and the records behind it."""

    text: str
    note: str = ""
    href: str = ""


@dataclass(frozen=True)
class Line:
    """A group as a row of the table."""

    name: str
    href: str
    figures: list[Figure]


@dataclass(frozen=True)
class Drawn:
    """All that the page shows of the numbers that were found."""

    total: list[tuple[str, Figure]]
    """Empty where there was no call."""
    lines: list[Line]
    charts: list[Chart]
    hints: Sequence[str]


@numbers_page.get("/numbers")
@needs("read")
def show() -> Response:
    """Tokens, cost, errors and durations, in all and by group: counted once the head is sent."""
    given = {name: text for name, text in request.args.items() if text and name != "limit"}
    wanted = read_arguments(NumbersQuerySchema, given) | {"limit": PAGE_RECORDS}
    by, limit = wanted["by"], wanted["limit"]
    # A query that is refused is refused with its status, before a page begins.
    wanted_of(wanted)
    return streamed(
        "numbers.html",
        draw=partial(_drawn, wanted, Ways(given, wanted)),
        shorter=asked.shorter(HERE, given),
        by=by,
        names=_names(by),
        given=given,
        filtered=any(name not in {"project", "by"} for name in given),
        ranges=asked.ranges(HERE, given),
        groupings=_groupings(given, by),
        chips=asked.chips(HERE, given, CHIPS),
        limit=limit,
        everything=asked.changed(HERE, own_project(), {"by": given.get("by", "")}),
        api=asked.changed("numbers.sum_and_measure", given, {}),
    )


def _drawn(wanted: dict[str, Any], ways: Ways) -> Drawn | Refusal:
    """What is asked for, drawn, or why it is not given."""
    try:
        found = measured(wanted)
    except Refusal as refusal:
        return refusal
    by, total = wanted["by"], found["total"]
    groups = [ways.group(by, row) for row in found["groups"]]
    charts = [chart_of(measure, groups) for measure in _measures(by)]
    told = zip(_names(by), _figures(total, by, ways), strict=True) if total["calls"] else ()
    return Drawn(
        total=list(told),
        lines=[
            Line(group.name, group.href, _figures(group.row, by, ways.of_group(by, group.row)))
            for group in groups
        ],
        charts=[chart for chart in charts if chart is not None],
        hints=found["hints"],
    )


def _groupings(given: Given, by: str) -> list[Choice]:
    return [
        Choice(name, asked.changed(HERE, given, {"by": "" if name == BY else name}), name == by)
        for name in GROUPS
    ]


def _names(by: str) -> list[str]:
    """The columns of the table."""
    of_models = [] if by == "tool" else ["Tokens in", "of it cached", "Tokens out", "Cost"]
    return ["Calls", "Failed", *of_models, "p50", "p95", "p99", "Errors"]


def _figures(row: Row, by: str, ways: Ways) -> list[Figure]:
    """What stands in them."""
    of_calls = "kind:tool" if by == "tool" else "has:tokens.in"
    failed = ("kind:tool" if by == "tool" else "has:model", "ok:false")
    unanswered = row["unanswered"]
    note = f"of {figures.of(unanswered, 'call')} no outcome is known" if unanswered else ""
    found = [
        Figure(f"{row['calls']:,}", note, ways.to("kind:tool") if by == "tool" else ""),
        Figure(f"{row['failed']:,}", "", ways.to(*failed) if row["failed"] else ""),
    ]
    if by != "tool":
        found += [
            _sum(row, "tokens_in", figures.count, ways.to("has:tokens.in")),
            _sum(row, "tokens_cache_read", figures.count, ways.to("has:tokens.cache")),
            _sum(row, "tokens_out", figures.count, ways.to("has:tokens.out")),
            _sum(row, "cost_micro_usd", figures.dollars, ways.to("has:cost")),
        ]
    for percent in (50, 95, 99):
        took_ns = row[f"duration_p{percent}_ns"]
        if took_ns is None:
            found.append(Figure(UNKNOWN))
        else:
            note = f"of {figures.of(row['timed'], 'call')} that tell it"
            href = ways.to(of_calls, f"duration:>={took_ns}ns")
            found.append(Figure(figures.duration(took_ns), note, href))
    errors = row["errors"]
    return [*found, Figure(f"{errors:,}", "", ways.to("level:>=error") if errors else "")]


def _sum(row: Row, name: str, shown: Any, href: str) -> Figure:
    """A sum, with what is not in it; unknown where no call told it."""
    amount, untold = row[name], row.get(f"untold_{name}") or 0
    if amount is None:
        return Figure(UNKNOWN)
    bounds = row["upper_bounds"] if name == "cost_micro_usd" else 0
    notes = []
    if untold:
        notes.append(f"{figures.of(untold, 'call')} did not tell it")
    if bounds:
        notes.append(
            f"of {figures.of(bounds, 'call')} an upper bound, as what was cached is unknown"
        )
    sign = {(True, False): "≥ ", (False, True): "≤ ", (True, True): "≈ "}.get(
        (bool(untold), bool(bounds)), ""
    )
    return Figure(f"{sign}{shown(amount)}", "; ".join(notes), href)


def _measures(by: str) -> list[Measure]:
    calls = Measure("Calls", _outcomes, lambda row: f"{row['calls']:,}", "{:,}".format)
    duration = Measure(
        "Duration", percentiles, took, figures.duration, "half of the calls, 95 and 99 of a hundred"
    )
    if by == "tool":
        return [calls, duration]
    return [
        Measure(
            "Cost",
            lambda row: _known("cost", row["cost_micro_usd"]),
            lambda row: _sum(row, "cost_micro_usd", figures.dollars, "").text,
            figures.dollars,
        ),
        Measure("Tokens", _tokens, _tokens_told, figures.count),
        duration,
        calls,
    ]


def _outcomes(row: Row) -> Amounts:
    """Calls by what became of them."""
    failed, unanswered = row["failed"], row["unanswered"]
    return [
        ("failed", failed),
        ("no outcome", unanswered),
        ("done", max(0, row["calls"] - failed - unanswered)),
    ]


def _tokens(row: Row) -> Amounts:
    """Input from a cache, all other input, and output."""
    if row["tokens_in"] is None and row["tokens_out"] is None:
        return None
    cached = row["tokens_cache_read"] or 0
    return [
        ("output", row["tokens_out"] or 0),
        ("input", max(0, (row["tokens_in"] or 0) - cached)),
        ("cached input", cached),
    ]


def _tokens_told(row: Row) -> str:
    if row["tokens_in"] is None and row["tokens_out"] is None:
        return UNKNOWN
    shown = (
        UNKNOWN if row[name] is None else figures.count(row[name])
        for name in ("tokens_in", "tokens_out")
    )
    return " → ".join(shown)


def _known(kind: str, number: int | None) -> Amounts:
    return None if number is None else [(kind, number)]
