"""`agentlogger runs` lists sessions, and `agentlogger run` tells one as a story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import quote

import click
from rich.table import Table
from rich.text import Text

from agentlogger.showing import figures
from agentlogger.showing.characters import one_line
from agentlogger.terminal import brief, console, options, piped, stories
from agentlogger.terminal.console import is_terminal, note
from agentlogger.terminal.moments import moment_of
from agentlogger.terminal.options import Finds
from agentlogger.terminal.places import Place, reads_from
from agentlogger.terminal.sources import NOTHING, Missing, Source
from agentlogger.terminal.visible import marked_line

PATH = "/api/v1/sessions"
TRACES = "/api/v1/traces"
LISTED = 20
MOST = 1_000
PAGE = 100
"""The largest page of the API."""

SESSION_CELLS, NAMES_CELLS = 36, 40
"""A UUID's width, and that of what stands last."""

WIDE = 120
"""Columns of a terminal from which models have a column of their own."""

CSV_COLUMNS = (
    "session_id", "first_time", "last_time", "records", "errors", "prompts", "tools", "agents",
    "models", "users", "calls", "failed", "tokens_in", "tokens_cache_read", "tokens_out",
    "cost_micro_usd",
)  # fmt: skip


@click.command(cls=Finds)
@click.argument("query", nargs=-1)
@options.SINCE
@options.UNTIL
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, MOST),
    default=LISTED,
    show_default=True,
    help="At most so many, those with the newest records.",
)
@options.JSON
@options.CSV
@options.FOR_LLM
@options.TOKENS
@options.UTC
@reads_from
@click.pass_context
def runs(
    ctx: click.Context,
    /,
    *,
    query: Sequence[str],
    since: str | None,
    until: str | None,
    limit: int,
    form: str | None,
    tokens: int,
    utc: bool,
    place: Place,
) -> None:
    """List sessions of which a record is like QUERY, such as level:error; the newest first."""
    source = place.open()
    try:
        asked = {"q": options.joined(query) or None, "from": since, "to": until}
        items, is_more, hints = sessions(source, asked, limit)
    finally:
        source.close()
    for hint in hints:
        note(f"Note: {one_line(hint)}")
    if form == "json":
        for item in items:
            click.echo(piped.json_line(item))
    elif form == "csv":
        rows = ({**item["usage"], **item} for item in items)
        for line in piped.csv_lines(CSV_COLUMNS, rows, more=is_more or None):
            click.echo(line)
    elif form == "llm":
        click.echo(brief_list(items, tokens, is_more=is_more))
    elif items:
        console.console().print(_table(items, utc=utc))
        if is_more and is_terminal(console.console()):
            note(f"The newest {len(items):,}; there are older ones: -n, --until.")
    if not items:
        note(f"No session was found in {one_line(source.name)}.")
        ctx.exit(NOTHING)


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--after", metavar="ID", help="Go on behind this record, as a part before says.")
@click.option("--spans", is_flag=True, help="Show the trees of its traces as well.")
@options.JSON
@options.FOR_LLM
@options.TOKENS
@options.UTC
@reads_from
def run(
    identifier: str,
    after: str | None,
    form: str | None,
    tokens: int,
    *,
    spans: bool,
    utc: bool,
    place: Place,
) -> None:
    """Tell a session, or a trace, as a story: prompts, and under each what followed.

    The beginning of a session's id is enough where no other begins so. Ends with 3 where there is
    none.
    """
    source = place.open()
    try:
        told = one(source, identifier, after)
    finally:
        source.close()
    if form == "json":
        click.echo(piped.json_line(told))
        return
    if form == "llm":
        click.echo(stories.brief_of(told, tokens))
        return
    out = console.console()
    width = out.width if is_terminal(out) else None
    for line in stories.Layout(width, UTC if utc else None, spans).lines(told):
        out.print(line, soft_wrap=True)
    for sentence in stories.footnotes(told):
        note(sentence)
    if told["spans"] and not spans:
        note(f"{len(told['spans']):,} spans: --spans.")


def sessions(
    source: Source, asked: Mapping[str, Any], limit: int
) -> tuple[list[Mapping[str, Any]], bool, Sequence[str]]:
    """Sessions, those with the newest records first, and whether there are more. Raises Refused."""
    items: list[Mapping[str, Any]] = []
    cursor = None
    while True:
        size = min(PAGE, limit - len(items))
        page = source.get(PATH, {**asked, "limit": size, "cursor": cursor})
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or len(items) >= limit:
            return items, cursor is not None, page["hints"]


def one(source: Source, identifier: str, after: str | None) -> Mapping[str, Any]:
    """The session or trace that is meant. Raises Missing, Refused."""
    asked = {"after": after}
    try:
        return _told(source, PATH, identifier, asked)
    except Missing as missing:
        try:
            return _told(source, TRACES, identifier, asked)
        except Missing:
            pass
        begins = _that_begin_with(source, identifier)
        if len(begins) == 1:
            return _told(source, PATH, begins[0], asked)
        if begins:
            raise click.UsageError(
                f"Several sessions begin with {one_line(identifier)}: write more of one, such as "
                f"{', '.join(map(one_line, begins))}."
            ) from None
        raise missing from None


def _told(
    source: Source, path: str, identifier: str, asked: Mapping[str, Any]
) -> Mapping[str, Any]:
    told: Mapping[str, Any] = source.get(f"{path}/{quote(identifier, safe='')}", asked)
    return told


def _that_begin_with(source: Source, text: str) -> list[str]:
    if "*" in text or '"' in text or "\\" in text:
        return []
    if not text.replace("-", "").replace("_", "").isalnum():
        return []
    page = source.get(PATH, {"q": f"session:{text}*", "limit": 3})
    return [item["session_id"] for item in page["items"]]


def brief_list(items: Sequence[Mapping[str, Any]], tokens: int, *, is_more: bool) -> str:
    """Sessions for a language model, a line each, within so many tokens."""
    lines = [stories.session_line(item) for item in items]
    shown = brief.first_that_fit(lines, tokens - brief.RESERVED)
    head = f"{shown} sessions, newest first, UTC. last record | session | agents, models | figures"
    left = is_more or shown < len(items)
    foot = "Older sessions are left out: use an earlier --until." if left else "All are there."
    return "\n".join([head, *lines[:shown], foot])


def _table(items: Sequence[Mapping[str, Any]], *, utc: bool) -> Table:
    out = console.console()
    is_wide = not is_terminal(out) or out.width >= WIDE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("last record", no_wrap=True, style=console.QUIET)
    table.add_column("session", no_wrap=True, max_width=SESSION_CELLS, overflow="ellipsis")
    for name in ("prompts", "calls", "tools", "errors", "cost") if is_wide else ("err", "cost"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("agents, models" if is_wide else "agents", no_wrap=True, overflow="ellipsis")
    for item in items:
        usage, errors = item["usage"], item["errors"]
        last = moment_of(int(item["last_ns"]), UTC if utc else None)
        counted = [f"{number:,}" for number in (item["prompts"], usage["calls"], item["tools"])]
        names = [*item["agents"], *(item["models"] if is_wide else ())]
        table.add_row(
            f"{last:%Y-%m-%d %H:%M}" if is_wide else f"{last:%m-%d %H:%M}",
            marked_line(item["session_id"]),
            *(counted if is_wide else ()),
            Text(f"{errors:,}", console.FAILED if errors else ""),
            figures.dollars(usage["cost_micro_usd"], beside=_dearest(items)),
            marked_line(", ".join(names), console.AGENT),
        )
    return table


def _dearest(items: Sequence[Mapping[str, Any]]) -> int:
    return max((item["usage"]["cost_micro_usd"] or 0 for item in items), default=0)
