"""`agentlogger search` and `agentlogger tail`: records by a query, newest at the end."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from datetime import UTC
from itertools import chain
from typing import Any

import click

from agentlogger.showing.characters import one_line
from agentlogger.showing.lines import Record
from agentlogger.terminal import brief, piped, records
from agentlogger.terminal.console import console, is_terminal, note
from agentlogger.terminal.following import Following
from agentlogger.terminal.lines import Layout
from agentlogger.terminal.moments import is_after
from agentlogger.terminal.options import Finds, finds, joined
from agentlogger.terminal.places import Place
from agentlogger.terminal.records import Asked, Found
from agentlogger.terminal.sources import INTERRUPTED, NOTHING, Source

REPEATED_CHARACTERS = 200
"""A longer query is not repeated to a model, which has it, and pays for each word."""

SEARCHED, TAILED = 50, 10
"""Records without -n: a screen of them; those that say where one is."""


@click.command(cls=Finds)
@finds(default=SEARCHED)
@click.pass_context
def search(ctx: click.Context, /, **asked: Any) -> None:
    """Find records by a QUERY, such as level:>=warn tool:Bash "rate limit"; newest last.

    docs/query-language.md has the language; without a QUERY, all records. Ends with 3 where
    nothing is found.
    """
    _run(ctx, **asked)


@click.command(cls=Finds)
@finds(default=TAILED)
@click.pass_context
def tail(ctx: click.Context, /, **asked: Any) -> None:
    """Show the newest records, and with -f those that come in from then on."""
    _run(ctx, **asked)


def _run(
    ctx: click.Context,
    *,
    query: Sequence[str],
    since: str | None,
    until: str | None,
    limit: int,
    follow: bool,
    form: str | None,
    tokens: int,
    ids: bool,
    utc: bool,
    cursor: str | None,
    place: Place,
) -> None:
    if follow and (form in {"csv", "llm"} or until or cursor):
        raise click.UsageError(
            "-f goes on for ever: it takes no --csv, --for-llm, --until or --cursor."
        )
    if since and until and not is_after(until, since):
        raise click.UsageError("--until is not after --since, so there is no time between them.")
    asked = Asked(joined(query), since, until, cursor)
    source = place.open()
    try:
        following = Following(source, asked)
        if follow:
            following.begin()
        found = records.newest(source, asked, limit)
        for hint in [*found.hints, *([found.note] if found.note else [])]:
            note(f"Note: {one_line(hint)}")
        if form == "llm":
            _write_brief(source, asked, limit, found, tokens)
        elif form == "csv":
            rows = map(piped.csv_of, reversed(found.records))
            for line in piped.csv_lines(piped.COLUMNS, rows, next_cursor=found.cursor):
                click.echo(line)
        else:
            coming = following.records(found.records) if follow else ()
            write = _writer(form, ids=ids, utc=utc)
            for record in chain(reversed(found.records), coming):
                write(record)
        ctx.exit(_ended(source, asked, found, form))
    except KeyboardInterrupt:
        ctx.exit(INTERRUPTED)
    finally:
        source.close()


def _ended(source: Source, asked: Asked, found: Found, form: str | None) -> int:
    """Say what a person may miss, and return the exit code."""
    if not found.records:
        times = " in this time" if asked.since or asked.until else ""
        note(f"Nothing was found{times} in {one_line(source.name)}.")
        return NOTHING
    if found.cursor and form is None and is_terminal(console()):
        note(f"The newest {len(found.records):,}; there are older ones: -n, --until.")
    return 0


def _writer(form: str | None, *, ids: bool, utc: bool) -> Callable[[Record], None]:
    """What writes one record after the other."""
    if form == "json":
        return lambda record: click.echo(piped.json_line(record))
    out = console()
    width = out.width if is_terminal(out) else None
    layout = Layout(width, ids=ids, zone=UTC if utc else None)

    def write(record: Record) -> None:
        day = layout.day(record)
        if day is not None:
            out.print(day, soft_wrap=True)
        out.print(layout.set(record), soft_wrap=True)

    return write


def _write_brief(source: Source, asked: Asked, limit: int, found: Found, tokens: int) -> None:
    def older(shown: int) -> str:
        cursor = records.cursor_behind(source, asked, found, shown)
        query = asked.query if len(asked.query) <= REPEATED_CHARACTERS else "THE SAME QUERY"
        words = ["agentlogger", "search", *([query] if query else []), "--for-llm"]
        words += ["--since", asked.since.removeprefix("-")] if asked.since else []
        words += ["--until", asked.until.removeprefix("-")] if asked.until else []
        words += ["-n", str(limit), "--tokens", str(tokens)]
        words += ["--cursor", cursor] if cursor else []
        return f"`{shlex.join(words)}`"

    has_more = found.cursor is not None
    told = brief.of_records(found.records, tokens, has_more=has_more, older=older)
    click.echo(told.text)
