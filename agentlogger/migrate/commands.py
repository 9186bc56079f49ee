"""What `flask db` gains on the command line.

The entry point `db-doors` of the group `flask.commands` is loaded before any command is looked up,
and its import does the work, whichever way the `db` group itself reaches `flask`.
"""

from __future__ import annotations

import re

import click
from flask_migrate.cli import db

RELATIVE = re.compile(r"-\d+")


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


for name in ("downgrade", "upgrade"):
    stock = db.commands[name]
    db.add_command(
        RelativeCommand(name, callback=stock.callback, params=stock.params, help=stock.help)
    )


@click.command("db-doors", hidden=True)
def doors() -> None:
    """Nothing: the import of this module is what attaches the commands."""
