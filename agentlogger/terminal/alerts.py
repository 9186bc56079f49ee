"""`agentlogger alerts`: made, listed, tested and removed; a server sends what they have to tell."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from agentlogger.showing import figures
from agentlogger.showing.characters import one_line
from agentlogger.terminal import console, options, piped
from agentlogger.terminal.console import note
from agentlogger.terminal.places import Place, reads_from
from agentlogger.terminal.sources import Missing, Source
from agentlogger.terminal.visible import marked_line

PATH = "/api/v1/alerts"
MICRO = 10**6
LENGTH = re.compile(r"(\d{1,7})\s?(s|m|h|d|w)")
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))

WAIT_SECONDS = 30.0
"""How long a test is waited for: it is sent within seconds, and a receiver may take ten."""

LOOK_SECONDS = 0.5
FIRST_CHARACTERS = 4
"""So many of an id are enough, where no other begins so."""

TRIED = 20

Alert = Mapping[str, Any]


class Length(click.ParamType[int]):
    """How long: `10m`, `1d`, as seconds."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds."""
        found = LENGTH.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no length of time: write 90s, 10m, 1h or 7d.", param, ctx)
        return int(found[1]) * SECONDS[found[2]]


class Dollars(click.ParamType[int]):
    """An amount of US dollars, as millionths."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The millionths."""
        try:
            amount = Decimal(str(value).removeprefix("$"))
            micro_usd = int(amount * MICRO)
        except (InvalidOperation, ValueError, OverflowError):
            self.fail(f"{value!r} is no amount of dollars: write 5 or 0.25.", param, ctx)
        return micro_usd


@click.group()
def alerts() -> None:
    """Be told by a webhook: more records than a number, a budget, no data."""


@alerts.command("list")
@options.JSON
@reads_from
def show_all(form: str | None, place: Place) -> None:
    """List alerts by name, and how each stands."""
    with _open(place) as source:
        items = source.get(PATH, {})["items"]
    if form == "json":
        for item in items:
            click.echo(piped.json_line(item))
        return
    out = console.console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("", "name", "what", "last", "to", "id"):
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    for item in items:
        table.add_row(
            _standing(item),
            marked_line(item["name"]),
            marked_line(_what(item)),
            _figure(item, item["value"]),
            marked_line(item["receiver"]),
            Text(item["id"][:8], console.QUIET),
        )
    if items:
        out.print(table)
    else:
        note("No alerts: `agentlogger alerts add` makes one.")
    for item in items:
        if item["problem"]:
            note(f"{one_line(item['name'])}: {one_line(item['problem'])}")
        elif item["waits_until"]:
            note(f"{one_line(item['name'])}: it waits until {item['waits_until'][:19]}Z, when a "
                 "whole window is counted.")  # fmt: skip


@alerts.command()
@click.argument("name")
@click.option("--url", required=True, help="Where to: http or https.")
@click.option("--window", required=True, type=Length(), help="How far back: 10m, 1h, 1d.")
@click.option("--query", help="Count records that are like this.")
@click.option("--search", help="Count those of a saved search, by its id.")
@click.option("--above", type=int, help="Alert where it is more than that.")
@click.option("--below", type=int, help="Alert where it is less than that.")
@click.option("--budget", type=Dollars(), help="Alert where calls of models cost more dollars.")
@click.option("--silence", is_flag=True, help="Alert where no data comes.")
@click.option("--per", help="Judge each key, session or user by itself.")
@click.option("--of-key", help="Of silence: the one key that is meant, as it begins.")
@reads_from
def add(
    *,
    name: str,
    url: str,
    window: int,
    query: str | None,
    search: str | None,
    above: int | None,
    below: int | None,
    budget: int | None,
    silence: bool,
    per: str | None,
    of_key: str | None,
    place: Place,
) -> None:
    """Make an alert, and print the secret that signs what it sends: it is shown this once."""
    counts = query is not None or search is not None
    if counts + (budget is not None) + silence != 1:
        raise click.UsageError("Say one of --query, --search, --budget and --silence.")
    if counts != ((above is not None) + (below is not None) == 1):
        raise click.UsageError("A --query or --search is with either --above or --below.")
    kind = "count" if counts else "budget" if budget is not None else "silence"
    fields = {
        "name": name,
        "kind": kind,
        "url": url,
        "window_seconds": window,
        "query": query,
        "search": search,
        "comparison": None if not counts else ">" if above is not None else "<",
        "threshold": budget if above is None and below is None else above or below or 0,
        "per": per,
        "key": of_key,
    }
    with _open(place) as source:
        given = {name: value for name, value in fields.items() if value is not None}
        made = source.send("POST", PATH, given)
    note(f"{one_line(made['name'])}: {one_line(_what(made))}. Its secret is shown once:")
    click.echo(made["secret"])


@alerts.command()
@click.argument("alert")
@reads_from
def test(alert: str, place: Place) -> None:
    """Send a test to the receiver of ALERT, a name or the beginning of an id, and wait for it."""
    with _open(place) as source:
        meant = _one(source, alert)
        sent = source.send("POST", f"{PATH}/{meant['id']}/test")
        until = time.monotonic() + WAIT_SECONDS
        while not (tries := _delivery(source, meant, sent["id"])["tries"]) or _is_open(tries[-1]):
            if time.monotonic() > until:
                raise click.ClickException(
                    "It waits to be sent: a server on this database sends it, once it runs."
                )
            time.sleep(LOOK_SECONDS)
    if tries[-1]["error"]:
        raise click.ClickException(f"It is tried again: {one_line(tries[-1]['error'])}")
    note(f"The receiver answered {tries[-1]['status']} in {tries[-1]['took_ms']} ms.")


@alerts.command()
@click.argument("alert")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 1_000), default=TRIED, show_default=True,
    help="At most so many, the newest.",
)  # fmt: skip
@options.JSON
@reads_from
def deliveries(alert: str, limit: int, form: str | None, place: Place) -> None:
    """List what was told of ALERT, the newest first, and how each try went."""
    with _open(place) as source:
        meant = _one(source, alert)
        items = source.get(f"{PATH}/{meant['id']}/deliveries", {"limit": limit})["items"]
    out = console.console()
    for item in items:
        if form == "json":
            click.echo(piped.json_line(item))
            continue
        failed = console.FAILED if item["status"] == "failed" else ""
        line = Text(f"{item['created_time'][:19]}Z  {item['state']:<8}  ")
        line.append(f"{item['status']:<9}", failed).append("  ")
        out.print(line.append_text(marked_line(item["subject"])), soft_wrap=True)
        for one in item["tries"]:
            said = one["error"] or f"answered {one['status']} in {one['took_ms']} ms"
            told = Text(f"  {one['time'][:19]}Z  ", console.QUIET)
            out.print(told.append_text(marked_line(said)), soft_wrap=True)


@alerts.command()
@click.argument("alert")
@reads_from
def remove(alert: str, place: Place) -> None:
    """Delete ALERT, with the log of its deliveries."""
    with _open(place) as source:
        meant = _one(source, alert)
        source.send("DELETE", f"{PATH}/{meant['id']}")
    note(f"{one_line(meant['name'])} is deleted.")


@contextmanager
def _open(place: Place) -> Iterator[Source]:
    source = place.open()
    try:
        yield source
    finally:
        source.close()


def _one(source: Source, named: str) -> Alert:
    """The alert of a name, or whose id begins so. Raises Missing."""
    items: list[Alert] = source.get(PATH, {})["items"]
    found = [item for item in items if item["name"] == named]
    if not found and len(named) >= FIRST_CHARACTERS:
        found = [item for item in items if item["id"].startswith(named.lower())]
    if len(found) != 1:
        raise Missing(
            f"No alert is named {named!r}, and no single one has an id that begins so: "
            "`agentlogger alerts list` shows them."
        )
    return found[0]


def _delivery(source: Source, alert: Alert, identifier: str) -> Mapping[str, Any]:
    items = source.get(f"{PATH}/{alert['id']}/deliveries", {})["items"]
    found: Mapping[str, Any] = next(
        (item for item in items if item["id"] == identifier), {"tries": []}
    )
    return found


def _is_open(one: Mapping[str, Any]) -> bool:
    """Whether a try has begun and not ended."""
    return one["took_ms"] is None


def _standing(item: Alert) -> Text:
    if not item["enabled"]:
        return Text("off", console.QUIET)
    if item["firing"]:
        return Text("FIRING", console.FAILED)
    if item["problem"]:
        return Text("unknown", console.LEVELS["warn"])
    return Text("waits" if item["waits_until"] else "quiet")


def _what(item: Alert) -> str:
    """What an alert asks, on a line."""
    window = _length(item["window_seconds"])
    of = "" if item["per"] == "project" else f" of each {item['per']}"
    if item["kind"] == "silence":
        of = f" of {item['key']}" if item["key"] else of
        return f"no data{of} for {window}"
    bound = f"{item['comparison']} {_figure(item, item['threshold'])}"
    asked = f" {item['query']}" if item["query"] else ""
    return f"{bound}{asked}{of} in {window}"


def _figure(item: Alert, value: int | None) -> str:
    if value is None:
        return figures.UNKNOWN
    if item["kind"] == "budget":
        return figures.dollars(value)
    return f"{value:,}" if item["kind"] == "count" else _length(value)


def _length(seconds: int) -> str:
    """Seconds as somebody would type them: the largest unit of which they are whole ones."""
    for unit, length in UNITS:
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return "0s"
