"""What `flask db` gains on the command line.

The entry point `db-doors` of the group `flask.commands` is loaded before any command is looked up,
and its import does the work, whichever way the `db` group itself reaches `flask`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import click
import flask_migrate
from alembic.util import CommandError
from flask import current_app, g
from flask_migrate import cli

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.commands.backfill import backfill
from agentlogger.migrate.commands.drift import drift
from agentlogger.migrate.commands.log import log
from agentlogger.migrate.commands.plan import plan
from agentlogger.migrate.commands.restore import restore_snapshot
from agentlogger.migrate.commands.rollback import rollback_to_code
from agentlogger.migrate.commands.seal import seal, verify
from agentlogger.migrate.commands.status import status
from agentlogger.migrate.explaining import explained
from agentlogger.migrate.extension import Migrations, revisions_in
from agentlogger.migrate.ledger.graph import State

RELATIVE = re.compile(r"-\d+")

OWN = (backfill, drift, log, plan, restore_snapshot, rollback_to_code, seal, status, verify)

X_ARG = click.Option(
    ["-x", "--x-arg", "x_arg"],
    multiple=True,
    help="What adjusts this run, as NAME=VALUE: docs/migrations.md lists them.",
)
PHASE = click.Option(
    ["--phase"],
    type=click.Choice(["expand", "contract"]),
    help="expand: stop before the first pending contract; contract: apply it as well.",
)


class RelativeCommand(click.Command):
    """A command whose revision may be a step back, such as -1.

    click takes that for an option and refuses it, and the guide's own `downgrade -1` could not be
    typed.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put what is a number of steps behind `--`, where click takes it as it is."""
        steps = [word for word in args if RELATIVE.fullmatch(word)]
        others = [word for word in args if word not in steps]
        return super().parse_args(ctx, [*others, "--", *steps] if steps else args)


def told(callback: Callable[..., Any], *, reads_revisions: bool = True) -> Callable[..., Any]:
    """A command that ends with one sentence and the exit code of its cause, never a traceback."""

    def run(**given: Any) -> Any:
        words = [*(g.get("x_arg") or ()), *(given.pop("x_arg", None) or ())]
        phase = given.pop("phase", None)
        g.x_arg = [*words, *([f"phase={phase}"] if phase else [])]
        try:
            # Before Alembic looks, which answers a broken folder with a traceback.
            extension: Migrations = current_app.extensions["migrations"]
            known = revisions_in(extension.folder) if reads_revisions else ()
            try:
                return callback(**given)
            except CommandError as error:
                raise explained(error, State((), known, ())) from error
        except Refused as refused:
            click.echo(f"Error: {refused}", err=True)
            sys.exit(refused.exit_code)

    return run


def attach() -> None:
    """Put our commands beside Flask-Migrate's, and tell the errors of all in our words."""
    for name, command in list(cli.db.commands.items()):
        if name in {"init", "list-templates"}:
            continue
        function = name.replace("-", "_")
        # Flask-Migrate catches Alembic's errors to print them, and ends with 1 whatever it was.
        uncaught = getattr(flask_migrate, function).__wrapped__
        setattr(cli, f"_{function}", uncaught)
        kind = RelativeCommand if name in {"downgrade", "upgrade"} else click.Command
        params = [one for one in command.params if one.name != "x_arg"]
        callback = command.callback
        assert callback is not None  # noqa: S101  (every one of Flask-Migrate's has one)
        if len(params) < len(command.params):
            callback = _with_x_arg(callback)
        params += [PHASE, X_ARG] if name == "upgrade" else [X_ARG]
        cli.db.add_command(kind(name, callback=told(callback), params=params, help=command.help))
    for own in OWN:
        for command in own.commands.values() if isinstance(own, click.Group) else (own,):
            assert command.callback is not None  # noqa: S101  (each of ours has one)
            command.callback = told(command.callback, reads_revisions=own is not restore_snapshot)
            command.params.append(X_ARG)
        cli.db.add_command(own)


def _with_x_arg(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Some of Flask-Migrate's have an `-x` of their own: they are given all that was said."""
    return lambda **given: callback(x_arg=g.x_arg, **given)


attach()


@click.command("db-doors", hidden=True)
def doors() -> None:
    """Nothing: the import of this module is what attaches the commands."""
