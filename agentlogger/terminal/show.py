"""`agentlogger show`: one record, whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from agentlogger.showing import figures
from agentlogger.showing.lines import Record, text_of
from agentlogger.terminal import brief, console, options, piped, records
from agentlogger.terminal.lines import heading_of
from agentlogger.terminal.moments import moment_of
from agentlogger.terminal.places import Place, reads_from
from agentlogger.terminal.visible import lines, marked, marked_line

FIELDS = (
    ("event", "event"),
    ("kind", "kind"),
    ("session", "session_id"),
    ("prompt", "prompt_id"),
    ("run", "run_id"),
    ("trace", "trace_id"),
    ("span", "span_id"),
    ("parent", "parent_span_id"),
    ("model", "model"),
    ("provider", "provider"),
    ("tool", "tool"),
    ("call", "tool_call_id"),
    ("request", "request_id"),
    ("user", "user_id"),
    ("ok", "ok"),
    ("error", "error_type"),
    ("error.message", "error_message"),
    ("tokens.in", "tokens_in"),
    ("tokens.cache", "tokens_cache_read"),
    ("tokens.cache.write", "tokens_cache_write"),
    ("tokens.tool", "tokens_tool"),
    ("tokens.out", "tokens_out"),
    ("tokens.reasoning", "tokens_reasoning"),
    ("rule of tokens", "usage_rule"),
    ("cost.source", "cost_source"),
    ("prices", "price_version"),
)
"""The columns that are shown, by the keys of the query language: what is seen can be searched."""

BLOCKS = (
    ("Attributes", "attributes"),
    ("Resource", "resource"),
    ("Scope", "scope"),
    ("Envelope", "envelope"),
    ("Replaced or cut", "adjustments"),
)

INDENT = 2
LEAST_CELLS = 20
"""A terminal that is narrower folds by itself."""

NAME_CELLS_MOST = 32


@click.command()
@click.argument("identifiers", nargs=-1, required=True, metavar="ID...")
@options.JSON
@options.FOR_LLM
@options.TOKENS
@options.UTC
@reads_from
def show(
    identifiers: Sequence[str], form: str | None, tokens: int, *, utc: bool, place: Place
) -> None:
    """Show records whole, by the ids that `search` shows. Ends with 3 where one is not there."""
    source = place.open()
    try:
        for number, identifier in enumerate(identifiers):
            record = records.one(source, identifier)
            if form == "json":
                click.echo(piped.json_line(record))
            elif form == "llm":
                click.echo(brief.of_record(record, tokens // len(identifiers)))
            else:
                out = console.console()
                if number:
                    out.print()
                for line in _whole(record, utc=utc):
                    _print(out, line)
    finally:
        source.close()


def _print(out: Console, line: Text) -> None:
    """A line, folded under its own beginning where a terminal is too narrow for it.

    The terminal itself would fold it at its edge, and log text would begin a line.
    """
    indent = len(line.plain) - len(line.plain.lstrip(" "))
    if not console.is_terminal(out) or line.cell_len <= out.width:
        out.print(line, soft_wrap=True)
        return
    hanging = indent + INDENT
    for number, part in enumerate(line.wrap(out, max(LEAST_CELLS, out.width - hanging))):
        out.print(Text(" " * hanging if number else "").append_text(part), soft_wrap=True)


def _whole(record: Record, *, utc: bool) -> Iterator[Text]:
    """Every line of a record; what a client sent is indented, and so begins no line."""
    yield heading_of(record)
    yield _times(record, utc=utc)
    yield marked_line(record["id"], console.QUIET)
    yield from _block("", _said(record))
    pairs = [
        (name, _text(record[column])) for name, column in FIELDS if record.get(column) is not None
    ]
    if record.get("cost_micro_usd") is not None:
        pairs.append(("cost", figures.dollars(record["cost_micro_usd"])))
    yield from _pairs("", pairs)
    for title, column in BLOCKS:
        value = record.get(column)
        if value:
            yield from _pairs(title, [(name, _text(one)) for name, one in value.items()])
    yield from _call(record.get("call"))


def _times(record: Record, *, utc: bool) -> Text:
    moment = moment_of(int(record["ts_ns"]), UTC if utc else None)
    nanoseconds = int(record["ts_ns"]) % 10**9
    line = Text(f"{moment:%a %Y-%m-%d %H:%M:%S}.{nanoseconds:09d} {moment:%z}")
    if record.get("ts_source") not in (None, "emitted"):
        line.append(f"  ({record['ts_source']})", console.QUIET)
    return line


def _said(record: Record) -> str:
    body = record.get("body")
    if body in (None, "", record.get("event")):
        return text_of(record)
    return _text(body)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _block(title: str, text: str) -> Iterator[Text]:
    if not text:
        return
    yield Text()
    if title:
        yield Text(title, "bold")
    for line in lines(text):
        yield Text(" " * INDENT).append_text(marked(line))


def _pairs(title: str, pairs: Sequence[tuple[str, str]]) -> Iterator[Text]:
    """Names in one column, values in another; a value of several lines stands under its name."""
    if not pairs:
        return
    yield Text()
    if title:
        yield Text(title, "bold")
    names = [marked_line(name, console.QUIET) for name, _ in pairs]
    width = min(NAME_CELLS_MOST, max(name.cell_len for name in names))
    for name, (_, text) in zip(names, pairs, strict=True):
        line = Text(" " * INDENT).append_text(name)
        first, *rest = lines(text)
        if rest:
            yield line
            for one in (first, *rest):
                yield Text(" " * 2 * INDENT).append_text(marked(one))
        else:
            gap = max(0, width - name.cell_len) + INDENT
            yield line.append(" " * gap).append_text(marked(first))


def _call(call: Mapping[str, Any] | None) -> Iterator[Text]:
    """The call of a model that the record reports, and for what its own word counts."""
    if call is None:
        return
    pairs = [
        (name, figure)
        for name, figure in (
            ("tokens in", figures.count(call["tokens_in"])),
            ("of it cached", figures.count(call["tokens_cache_read"])),
            ("tokens out", figures.count(call["tokens_out"])),
            ("of it reasoning", figures.count(call["tokens_reasoning"])),
            ("cost", figures.dollars(call["cost_micro_usd"])),
        )
        if figure != figures.UNKNOWN
    ]
    pairs.append(("reports", str(len(call["reports"]))))
    if call["counts"]:
        pairs.append(("this one counts for", ", ".join(call["counts"])))
    yield from _pairs("Call", pairs)
