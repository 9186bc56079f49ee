"""What `flask db` gains on the command line.

Flask-Migrate gives its `db` group to the application, and then `flask` must load that to find the
group at all. As an entry point of `flask.commands` the group is there before, and the application
is loaded by the group: which one can then depend on that.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click
import flask_migrate
from alembic.util import CommandError
from flask import current_app, g
from flask_migrate import cli

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.explaining import explained
from agentlogger.migrate.extension import Migrations, revisions_in
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.loading import Loaded

RELATIVE = re.compile(r"-\d+")

OWN: Mapping[str, click.Command] = Loaded(
    {
        name: f"agentlogger.migrate.commands.{place}"
        for name, place in (
            ("backfill", "backfill:backfill"),
            ("drift", "drift:drift"),
            ("lint", "lint:lint"),
            ("log", "log:log"),
            ("plan", "plan:plan"),
            ("rehearse", "rehearse:rehearse"),
            ("restore-snapshot", "restore:restore_snapshot"),
            ("rollback-to-code", "rollback:rollback_to_code"),
            ("seal", "seal:seal"),
            ("squash", "squash:squash"),
            ("status", "status:status"),
            ("verify", "seal:verify"),
        )
    }
)
"""The commands of ours, by the name that is typed."""

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


class Doors(click.Group):
    """Flask-Migrate's group with ours beside its commands; ours are loaded one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all."""
        return sorted({*super().list_commands(ctx), *OWN})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, its errors told in our words; None where there is none."""
        if cmd_name in OWN and cmd_name not in self.commands:
            self.add_command(_told_in_our_words(OWN[cmd_name]))
        return super().get_command(ctx, cmd_name)


def attach() -> Doors:
    """Put ours beside Flask-Migrate's commands, and tell the errors of all in our words."""
    doors = Doors(cli.db.name, params=cli.db.params, callback=cli.db.callback, help=cli.db.help)
    for name, command in cli.db.commands.items():
        is_of_a_history = name not in {"init", "list-templates"}
        doors.add_command(_with_our_errors(name, command) if is_of_a_history else command)
    # Where Flask-Migrate takes the group from that it gives to an application.
    cli.db = doors
    return doors


def _with_our_errors(name: str, command: click.Command) -> click.Command:
    """A command of Flask-Migrate's, which itself would end with 1 whatever the error was."""
    function = name.replace("-", "_")
    # Flask-Migrate catches Alembic's errors to print them.
    uncaught = getattr(flask_migrate, function).__wrapped__
    setattr(cli, f"_{function}", uncaught)
    kind = RelativeCommand if name in {"downgrade", "upgrade"} else click.Command
    params = [one for one in command.params if one.name != "x_arg"]
    callback = command.callback
    assert callback is not None  # noqa: S101  (every one of Flask-Migrate's has one)
    if len(params) < len(command.params):
        callback = _with_x_arg(callback)
    params += [PHASE, X_ARG] if name == "upgrade" else [X_ARG]
    return kind(name, callback=told(callback), params=params, help=command.help)


def _with_x_arg(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Some of Flask-Migrate's have an `-x` of their own: they are given all that was said."""
    return lambda **given: callback(x_arg=g.x_arg, **given)


def _told_in_our_words(own: click.Command) -> click.Command:
    for command in own.commands.values() if isinstance(own, click.Group) else (own,):
        assert command.callback is not None  # noqa: S101  (each of ours has one)
        # These two must go on where the folder is broken: it is what they may be asked to mend.
        reads = own.name not in {"restore-snapshot", "squash"}
        command.callback = told(command.callback, reads_revisions=reads)
        command.params.append(X_ARG)
    return own


db = attach()
"""The group of `flask db`."""
