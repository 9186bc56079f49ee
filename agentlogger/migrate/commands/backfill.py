"""`flask db backfill`: what is filled after its revision was applied, and working it off."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.asking import asked, connected
from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.lease import BUSY
from agentlogger.migrate.backfills.progress import FINISHED, PAUSED, PENDING, Backfill, backfills
from agentlogger.migrate.backfills.worker import SESSION_NAME, Surroundings, Worker
from agentlogger.migrate.causes import Refused
from agentlogger.migrate.explaining import explained_fault
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.ledger.tables import BACKFILLS
from agentlogger.migrate.task import Task
from agentlogger.migrate.trial.progress import Shown, progress

EXIT_INTERRUPTED = 130
"""What a shell makes of a program that ends by SIGINT."""

LOOK_EVERY_SECONDS = 1.0
"""How often to look how far another program has come."""


@click.group(short_help="Columns that are filled after their revision.")
def backfill() -> None:
    """List, run, pause and resume what is filled after its revision was applied."""


@backfill.command("list", short_help="Show how far each is, and what it waits for.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
@with_appcontext
def list_backfills(as_json: bool) -> None:
    """Show each backfill: its state, how far it is, how fast, and what it waits for."""
    with connected(asked("backfill list")) as connection:
        found = backfills(connection)
    _print(found, as_json=as_json)


@backfill.command(short_help="Work off one, or all, until they are finished.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array when it has ended.")
@with_appcontext
def run(name: str | None, as_json: bool) -> None:
    """Work off the backfill NAME, or all that are not paused, until they are finished.

    Another program that works on one is waited for. One that is finished is looked through once
    more for rows that an older program has written since. Ctrl-C ends it between two batches, and
    the next run goes on from there.
    """
    task = asked("backfill run")
    with connected(task) as connection:
        found = backfills(connection)
    chosen = [one for one in found if one.is_open] if name is None else [_named(found, name)]
    for one in chosen:
        if one.state == PAUSED:
            raise Refused(
                f"The backfill {one.name} is paused, so it does not run: go on with `flask db "
                f"backfill resume {one.name}`, then run the same command again."
            )
    try:
        for one in chosen:
            _work(task, one)
    except KeyboardInterrupt:
        click.echo(
            "Interrupted: the batches that are committed stay, and `flask db backfill run` goes on "
            "behind them.",
            err=True,
        )
        sys.exit(EXIT_INTERRUPTED)
    paused = [one.name for one in found if one.state == PAUSED and name is None]
    if paused:
        way_on = "`flask db backfill resume NAME` lets it go on"
        click.echo(f"{', '.join(paused)}: paused, and left alone; {way_on}.", err=True)
        if not chosen and not as_json:
            return
    with connected(task) as connection:
        names = {one.name for one in chosen}
        _print([one for one in backfills(connection) if one.name in names], as_json=as_json)


@backfill.command(short_help="Stop one after its batch, until it is resumed.")
@click.argument("name")
@with_appcontext
def pause(name: str) -> None:
    """Stop the backfill NAME after the batch that it is in, until it is resumed."""
    with _changing("backfill pause") as connection:
        one = _named(backfills(connection), name)
        if one.is_finished:
            raise Refused(f"The backfill {name} is finished, so there is nothing to pause.")
        paused = {"state": PAUSED, "lease_owner": None, "waiting_for": ""}
        connection.execute(BACKFILLS.update().where(BACKFILLS.c.name == name).values(paused))
    click.echo(f"{name} is paused. Go on with `flask db backfill resume {name}`.")


@backfill.command(short_help="Let one go on, and sign its SQL anew.")
@click.argument("name")
@with_appcontext
def resume(name: str) -> None:
    """Let the backfill NAME go on, and sign its SQL anew with this program's key."""
    with _changing("backfill resume") as connection:
        one = _named(backfills(connection), name)
        same = BACKFILLS.c.name == name
        row = connection.execute(select(BACKFILLS).where(same)).one()
        keys = keys_of(current_app.config)
        signed = Definition.of_row(row).columns(row.revision, keys[0] if keys else None)
        state = PENDING if row.state == PAUSED else row.state
        kept = {"state": state, "signature": signed["signature"], "waiting_for": ""}
        connection.execute(BACKFILLS.update().where(same).values(kept))
    if one.is_finished:
        click.echo(f"{name} is finished, and its SQL is signed.")
        return
    click.echo(
        f"{name} goes on: a running service takes it up within a minute, or `flask db backfill run "
        f"{name}` does."
    )


def _named(found: list[Backfill], name: str) -> Backfill:
    for one in found:
        if one.name == name:
            return one
    names = [one.name for one in found]
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise Refused(
        f"There is no backfill {name} in this database.{hint} `flask db backfill list` shows all; "
        "one comes with the revision that has it."
    )


def _work(task: Task, one: Backfill) -> None:
    """Work one off, or wait until another program has."""
    engine = task.dialect.make_engine(task.url, writes=True, name=SESSION_NAME)
    stop = threading.Event()
    try:
        with progress(f"Backfill {one.name}") as shown:
            surroundings = Surroundings(
                engine=engine,
                dialect=task.dialect,
                options=task.options,
                keys=keys_of(current_app.config),
                stop=stop,
                told=shown,
            )
            if one.is_finished:
                _reopen(task, one.name)
            while Worker(surroundings, one.name).work() == BUSY:
                _follow(task, one.name, shown)
                stop.wait(LOOK_EVERY_SECONDS)
    except DBAPIError as fault:
        raise explained_fault(fault, task.url, f"`{task.doing}`") from fault
    finally:
        engine.dispose()


def _reopen(task: Task, name: str) -> None:
    """Let what is finished be walked once more; without a condition nothing could be found."""
    with _changing(task.command) as connection:
        open_again = (
            BACKFILLS.update()
            .where((BACKFILLS.c.name == name) & (BACKFILLS.c.state == FINISHED))
            .where(BACKFILLS.c.where_sql.is_not(None))
        )
        connection.execute(open_again.values(state=PENDING))


def _follow(task: Task, name: str, shown: Shown) -> None:
    with connected(task) as connection:
        for one in backfills(connection):
            if one.name == name:
                shown(one.rows_done, one.rows_expected)


@contextmanager
def _changing(command: str) -> Iterator[Connection]:
    """A connection in a transaction that changes rows of this room's own."""
    task = asked(command)
    engine = task.dialect.make_engine(task.url, writes=True, name=SESSION_NAME)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as fault:
        raise explained_fault(fault, task.url, f"`{task.doing}`") from fault
    finally:
        engine.dispose()


def _print(found: list[Backfill], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([one.as_json() for one in found], indent=2))
        return
    for one in found:
        click.echo(one.told())
    if not found:
        click.echo("There is nothing to fill.")
