"""`flask db rollback-to-code`: back to the newest revision that this program knows."""

from __future__ import annotations

import click
from flask import current_app, g
from flask.cli import with_appcontext

from agentlogger.migrate.asking import asked, connected
from agentlogger.migrate.extension import Migrations
from agentlogger.migrate.ledger.signing import keys_of
from agentlogger.migrate.run.way_back import carried, roll_back, way_of


@click.command("rollback-to-code", short_help="Take back what a newer program applied.")
@with_appcontext
def rollback_to_code() -> None:
    """Take back what a newer program applied, by the scripts that the database keeps of it."""
    task = asked("rollback-to-code")
    with connected(task):
        assert task.state is not None  # noqa: S101  (asked for with the connection)
        entries = carried(task.state, keys_of(current_app.config))
    if not entries:
        click.echo("This program knows every revision of the database: nothing to take back.")
        return
    for entry in entries:
        click.echo(
            f"Back from {entry.revision} ({entry.message}), applied {entry.when} UTC by "
            f"{entry.program}: {way_of(entry)}."
        )
    extension: Migrations = current_app.extensions["migrations"]
    roll_back(extension, entries, g.get("x_arg") or ())
    with connected(task):
        click.echo(f"The database is at {', '.join(task.state.heads) or 'no revision'}.")
