"""`flask db status`: one screen of what the database is, has, lacks and waits for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from agentlogger.migrate.asking import asked, connected
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.status import status as status_of

LABEL_WIDTH = 12


@click.command(short_help="Show revision, what is pending, who is alive.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
def status(as_json: bool) -> None:
    """Show the database's revision, what is pending, who uses it and who migrates it."""
    task = asked("status")
    with connected(task) as connection:
        assert task.state is not None  # noqa: S101  (asked for with the connection)
        found = status_of(
            connection,
            task.state,
            url=task.url,
            folder=task.folder,
            program=task.program,
            has_key=bool(keys_of(current_app.config)),
        )
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for label, lines in _screen(found):
        for number, line in enumerate(lines):
            click.echo(f"{label if number == 0 else '':<{LABEL_WIDTH}} {line}")


Lines = tuple[str, list[str]]
"""A label, and what stands beside it."""


def _screen(found: Mapping[str, Any]) -> Iterator[Lines]:
    yield "Database", [found["database"]]
    yield "Revision", [f"{', '.join(found['revision']) or 'none'} ({found['place']})"]
    yield "Heads", [", ".join(found["heads"])]
    yield "Program", [found["program"] + (": can work with it" if found["acceptable"] else "")]
    if found["sentence"]:
        yield "", [found["sentence"]]
    yield from _of_the_tree(found)
    yield from _of_the_runs(found)
    yield from _of_the_others(found)
    yield "Sum", found["sum"] or ["migrations.sum says what the files say"]
    if found["edited"]:
        yield "Edited", [", ".join(found["edited"]) + ": applied from another text"]
    unsigned = "not signed: set SECRET_KEY, so that an older program can take it back"
    yield "History", ["signed" if found["signed"] else unsigned]


def _of_the_tree(found: Mapping[str, Any]) -> Iterator[Lines]:
    """What this program's revisions are to the database."""
    yield "Phase", [found["phase"] or "nothing pending"]
    yield (
        "Pending",
        [f"{one['revision']}  {one['phase']:<10} {one['message']}" for one in found["pending"]]
        or ["none"],
    )
    if found["ahead"]:
        yield "Ahead", [", ".join(found["ahead"]) + " (see `flask db log`)"]


def _of_the_runs(found: Mapping[str, Any]) -> Iterator[Lines]:
    """What migrations are doing, have left half done, and have kept."""
    yield (
        "Backfills",
        [one["sentence"] for one in found["backfills"]] or ["none"],
    )
    if found["running"]:
        one = found["running"]
        yield "Running", [f"{one['revision']} ({one['direction']}, since {one['begun']} UTC)"]
    if found["interrupted"] or found["leftovers"]:
        yield "Interrupted", [
            *(f"{one['revision']} ({one['direction']}, {one['begun']} UTC)"
              for one in found["interrupted"]),
            *(f"{one['kind']} {one['name']} on {one['table']}: not valid"
              for one in found["leftovers"]),
            *(() if found["lock"] else ("the next `flask db upgrade` goes on from there",)),
        ]  # fmt: skip
    yield (
        "Snapshots",
        [f"{one['file']}  {one['bytes'] / 2**20:,.1f} MiB" for one in found["snapshots"]]
        or ["none"],
    )
    yield "Lock", [_lock(found["lock"]) if found["lock"] else "free"]


def _of_the_others(found: Mapping[str, Any]) -> Iterator[Lines]:
    """Who else uses the database."""
    yield (
        "Instances",
        [
            f"{one['version']}  process {one['pid']} on {one['host']}, "
            f"at {', '.join(one['heads'])}, seen {one['seen_seconds_ago']:.0f} s ago"
            for one in found["instances"]
        ]
        or ["none alive"],
    )
    if found["long_transactions"]:
        yield (
            "Long",
            [
                f"process {one['pid']} ({one['application'] or 'no name'}), open for "
                f"{one['seconds']} s, {one['state']}: {' '.join(str(one['query']).split())}"
                for one in found["long_transactions"]
            ],
        )


def _lock(lock: Mapping[str, Any]) -> str:
    seconds = f", for {lock['seconds']:.0f} s" if lock["seconds"] is not None else ""
    return f"process {lock['pid']} on {lock['host']} runs `{lock['doing']}`{seconds}"
