"""`flask db seal` and `flask db verify`: whether history is what it was."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from agentlogger.migrate.asking import asked, connected
from agentlogger.migrate.causes import Edited, Unreachable
from agentlogger.migrate.ledger.edited import edited, sentence_for_edited
from agentlogger.migrate.rehearsal import proofs
from agentlogger.migrate.revisions import seals


@click.command(short_help="Write migrations.sum anew.")
@with_appcontext
def seal() -> None:
    """Write migrations.sum anew, after revisions that were applied nowhere yet were edited."""
    task = asked("seal")
    changed = seals.seal(task.folder, task.revisions)
    if changed:
        click.echo(f"Sealed: {', '.join(changed)}.")
    else:
        click.echo("Nothing to seal: migrations.sum says what the files say.")


@click.command(short_help="Compare files with sum, proofs and history.")
@with_appcontext
def verify() -> None:
    """Compare the files with migrations.sum, with their proofs and with what the database got."""
    task = asked("verify")
    seals.check(task.folder, task.revisions)
    proofs.check(task.folder, task.revisions)
    try:
        with connected(task):
            assert task.state is not None  # noqa: S101  (asked for with the connection)
            for entry, revision in edited(task.state):
                raise Edited(sentence_for_edited(entry, revision))
            told = {entry.revision for entry in task.state.history} & task.state.applied
    except Unreachable as fault:
        click.echo(f"The files are as sealed. The database was not compared: {fault}")
        return
    click.echo(
        f"{len(task.revisions)} files are as sealed, and the {len(told)} that this database has a "
        "record of are as applied."
    )
