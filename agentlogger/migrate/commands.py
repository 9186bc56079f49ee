"""What `flask db` gains on the command line.

Flask answers a plugin group such as Flask-Migrate's `db` before it loads the application, so
commands that a factory attached would come too late. The entry point `db-doors` of the group
`flask.commands` is loaded in time, and its import does the work.
"""

from __future__ import annotations

import click
from flask_migrate.cli import db

# click takes the -1 of `flask db downgrade -1` for an option and refuses it; the guide's own
# command could otherwise not be typed.
for relative in ("downgrade", "upgrade"):
    db.commands[relative].context_settings["ignore_unknown_options"] = True


@click.command("db-doors", hidden=True)
def doors() -> None:
    """Nothing: the import of this module is what attaches the commands."""
