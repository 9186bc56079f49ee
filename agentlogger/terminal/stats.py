"""`agentlogger stats`: calls of models or tools in numbers, in all and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from agentlogger.showing import figures
from agentlogger.showing.characters import one_line
from agentlogger.terminal import console, options, piped
from agentlogger.terminal.moments import When, since_then
from agentlogger.terminal.options import Finds, joined
from agentlogger.terminal.places import Place, reads_from
from agentlogger.terminal.sources import NOTHING
from agentlogger.terminal.visible import marked_line

PATH = "/api/v1/numbers"
GROUPS = ("model", "tool", "agent", "provider", "session", "user", "day")
"""By what the API groups; a test compares."""

PARAMETERS = ("session", "model")
"""Filters that the API has beside a query; the others are terms of it."""

FILTERS = (*PARAMETERS, "agent", "provider", "user")
GROUPS_MOST = 1_000
GROUP_CELLS = 36
ALL = "all"
UNTOLD = "≥"
"""Stands before a sum to which not every call told its part."""

UPPER_BOUND = "≤"
"""Stands before a cost of which a part is an upper bound."""

COLUMNS = (
    ("calls", "calls"),
    ("failed", "failed"),
    ("in", "tokens_in"),
    ("cached", "tokens_cache_read"),
    ("out", "tokens_out"),
    ("cost", "cost_micro_usd"),
    ("errors", "errors"),
    ("p50", "duration_p50_ns"),
    ("p95", "duration_p95_ns"),
    ("p99", "duration_p99_ns"),
)
MONEY = ("cost_micro_usd",)
"""Columns whose values stand beside each other with equally many digits."""

CSV_COLUMNS = ("group", *(column for _, column in COLUMNS), "unanswered", "upper_bounds")


def _filters(command: Any) -> Any:
    for name in reversed(FILTERS):
        command = click.option(f"--{name}", metavar="NAME", help=f"Of this {name} only.")(command)
    return command


@click.command(cls=Finds)
@click.argument("query", nargs=-1)
@click.option("--by", type=click.Choice(GROUPS), default="model", show_default=True, help="Groups.")
@click.option(
    "--since", type=When(), default="1d", show_default=True, help="Not before: 15m, 7d, 2026-11-22."
)
@options.UNTIL
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, GROUPS_MOST),
    default=20,
    show_default=True,
    help="Groups, those with most calls; of days the newest.",
)
@_filters
@options.JSON
@options.CSV
@reads_from
@click.pass_context
def stats(
    ctx: click.Context,
    /,
    *,
    query: Sequence[str],
    by: str,
    since: str,
    until: str | None,
    limit: int,
    form: str | None,
    place: Place,
    **filters: str | None,
) -> None:
    """Sum and measure calls of models, or by tool those of tools. Each call counts once.

    A dash is unknown, ≥ means that some calls did not tell theirs, and ≤ that a cost is at most
    so much. Ends with 3 where there are no calls.
    """
    source = place.open()
    try:
        asked = {"from": since, "to": until, "by": by, "limit": limit}
        asked |= {name: filters[name] for name in PARAMETERS}
        answer = source.get(PATH, asked | {"q": _query(query, filters) or None})
    finally:
        source.close()
    for hint in answer["hints"]:
        console.note(f"Note: {one_line(hint)}")
    if form == "json":
        click.echo(piped.json_line(answer))
    elif form == "csv":
        left_out = _left_out(answer, limit) or None
        for line in piped.csv_lines(CSV_COLUMNS, answer["groups"], calls_left_out=left_out):
            click.echo(line)
    elif answer["total"]["calls"]:
        console.console().print(_table(answer, by))
        _say_what_is_missing(answer, limit)
    if not answer["total"]["calls"]:
        what = "tool" if by == "tool" else "model"
        like = " like this" if query or any(filters.values()) else ""
        times = since_then(since) + (f" and before {until}" if until else "")
        console.note(f"No {what}{like} was called {one_line(times)} in {one_line(source.name)}.")
        ctx.exit(NOTHING)


def _query(query: Sequence[str], filters: Mapping[str, str | None]) -> str:
    """What was typed, and a term for each filter that the API has only as one."""
    terms = []
    for name, value in filters.items():
        if value is not None and name not in PARAMETERS:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            terms.append(f'{name}:"{escaped}"')
    typed = joined(query)
    if typed and terms:
        typed = f"({typed})"
    return " ".join([*terms, typed]).strip()


def _table(answer: Mapping[str, Any], by: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(by, max_width=GROUP_CELLS, no_wrap=True, overflow="ellipsis")
    for name, _ in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in answer["groups"]:
        group = row["group"]
        shown = Text("not told", "dim") if group is None else marked_line(str(group))
        table.add_row(shown, *_cells(row, answer["total"]))
    table.add_row(Text(ALL), *_cells(answer["total"], answer["total"]), style="bold")
    return table


def _cells(row: Mapping[str, Any], total: Mapping[str, Any]) -> list[Text]:
    cells = []
    for _, column in COLUMNS:
        text = sum_of(row, column, beside=(total[column] or 0) if column in MONEY else 0)
        is_bad = column in {"failed", "errors"} and row[column]
        cells.append(Text(text, console.FAILED if is_bad else ""))
    return cells


def sum_of(row: Mapping[str, Any], column: str, *, beside: int = 0) -> str:
    """A sum of the API's, with a sign where it is at least or at most so much.

    `beside` is the largest sum that stands beside it, so that costs have equally many digits.
    """
    value = row[column]
    if column.startswith("duration"):
        return figures.duration(value)
    least = UNTOLD if value is not None and row["untold"].get(column) else ""
    if column == "cost_micro_usd":
        bound = UPPER_BOUND if row["upper_bounds"] else ""
        return f"{least}{bound}{figures.dollars(value, beside=beside)}"
    return f"{least}{figures.count(value)}" if column.startswith("tokens") else f"{value:,}"


def _left_out(answer: Mapping[str, Any], limit: int) -> int:
    """Calls of groups that are not among those that were asked for."""
    groups = answer["groups"]
    rest = int(answer["total"]["calls"]) - sum(row["calls"] for row in groups)
    return max(0, rest) if len(groups) == limit else 0


def _say_what_is_missing(answer: Mapping[str, Any], limit: int) -> None:
    total = answer["total"]
    if rest := _left_out(answer, limit):
        console.note(f"{rest:,} calls are of other groups: -n shows more of them.")
    if total["unanswered"]:
        console.note(f"Of {total['unanswered']:,} calls no record tells an end.")
