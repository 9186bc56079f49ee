"""`flask db log`: what was done to this database, newest first."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from agentlogger.migrate.asking import asked, connected
from agentlogger.migrate.causes import Refused, Unknown
from agentlogger.migrate.durations import duration
from agentlogger.migrate.ledger.history import Entry
from agentlogger.migrate.ledger.signing import keys_of


@click.command(short_help="Show what was applied, reverted or stamped.")
@click.option("-n", "count", type=click.IntRange(min=1), help="Only the newest of them.")
@click.option("--source", "revision", metavar="REV", help="Print the text that was applied.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write that text to a file."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@with_appcontext
def log(count: int | None, revision: str | None, output: Path | None, as_json: bool) -> None:
    """Show each revision that was applied, reverted or stamped: when, by whom, how long."""
    if output is not None and revision is None:
        raise click.UsageError("--output goes with --source.")
    task = asked("log")
    with connected(task):
        assert task.state is not None  # noqa: S101  (asked for with the connection)
        entries = task.state.history[::-1]
    if revision is not None:
        _give(_source(entries, revision), output)
        return
    entries = entries[:count]
    keys = keys_of(current_app.config)
    if not entries and not as_json:
        click.echo("This database has no history yet: the next migration begins it.")
    for entry in entries:
        click.echo(json.dumps(_as_json(entry, keys)) if as_json else _line(entry))


def _source(entries: tuple[Entry, ...], revision: str) -> str:
    """The text that was applied last, and not one that took it back: of that a part may do."""
    found = [entry for entry in entries if entry.revision.startswith(revision)]
    applied = [entry for entry in found if entry.direction == "up"]
    if not found:
        near = get_close_matches(revision, {entry.revision for entry in entries}, n=2, cutoff=0.5)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise Unknown(
            f"The history of this database has no revision '{revision}'.{hint} `flask db log` "
            "lists what it has."
        )
    return (applied or found)[0].source


def _give(source: str, output: Path | None) -> None:
    if output is None:
        click.echo(source, nl=False)
        return
    try:
        output.write_text(source, encoding="utf-8", newline="\n")
    except OSError as fault:
        raise Refused(
            f"{output} cannot be written ({fault.strerror}), so it is as it was: name a file that "
            "this user can write."
        ) from fault


def _line(entry: Entry) -> str:
    took = "killed" if entry.seconds is None else duration(entry.seconds)
    return (
        f"{entry.when}  {entry.direction:<5}  {entry.revision}  {entry.phase:<10} {took:>9}  "
        f"{entry.message}  [{entry.program}, {entry.who}]"
    )


def _as_json(entry: Entry, keys: list[bytes]) -> dict[str, object]:
    return {
        "id": entry.id,
        "revision": entry.revision,
        "parents": list(entry.parents),
        "direction": entry.direction,
        "begun_ns": entry.begun_ns,
        "ended_ns": entry.ended_ns,
        "program": entry.program,
        "who": entry.who,
        "message": entry.message,
        "phase": entry.phase,
        "reversible": entry.reversible,
        "sha256": entry.sha256,
        "down_sql": None if entry.down_sql is None else list(entry.down_sql),
        "signed": entry.is_signed_by(keys),
    }
