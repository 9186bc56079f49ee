"""`flask projects`: the walls between records of different owners."""

from __future__ import annotations

import click

from agentlogger.intake import times
from agentlogger.store import projects as store
from agentlogger.store.scope import OperatorScope
from agentlogger.terminal.groups import SentenceGroup

OPERATOR = OperatorScope("somebody at the server's terminal")


@click.group(cls=SentenceGroup)
def projects() -> None:
    """Make and list projects."""


@projects.command()
@click.argument("name")
def create(name: str) -> None:
    """Make a project; keys of it come from `flask keys create --project NAME`."""
    if not name.strip() or len(name) > 100:  # noqa: PLR2004  (the column's)
        raise click.BadParameter("a project's name has 1 to 100 characters.")
    store.create(OPERATOR, name.strip())
    click.echo(f"Project {name.strip()} is made.")


@projects.command("list")
def show_all() -> None:
    """List the projects."""
    for row in store.all_of(OPERATOR):
        click.echo(f"{row['name']}\tsince {times.to_iso(row['created_ns'])[:10]}")
