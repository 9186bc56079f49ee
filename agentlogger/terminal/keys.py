"""`flask keys`: what a program shows to be let in."""

from __future__ import annotations

import re
import time

import click

from agentlogger.errors import NameUnknown
from agentlogger.intake import times
from agentlogger.store import keys as store
from agentlogger.store import projects
from agentlogger.store.key_format import SHOWN_CHARACTERS
from agentlogger.store.rows import Row
from agentlogger.store.scope import ProjectScope
from agentlogger.terminal.groups import SentenceGroup
from agentlogger.terminal.projects import OPERATOR

DAY_NS = 86_400 * 10**9


@click.group(cls=SentenceGroup)
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.option("--project", default=projects.DEFAULT_NAME, show_default=True, help="Whose records.")
@click.option("--name", default="unnamed", show_default=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(store.SCOPES),
    default=("ingest", "read"),
    show_default=True,
    help="What it may do; give it more than once for more than one.",
)
@click.option("--expires", metavar="DAYS", help="After how many days it ends, such as 90d.")
def create(project: str, name: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Make a key and show it: the only time that it can be seen."""
    row = projects.named(OPERATOR, project)
    if row is None:
        raise NameUnknown(f"No project is named {project!r}: `flask projects list` shows them.")
    key = store.create(
        ProjectScope(row["id"]), name=name[:100], scopes=scopes, expires_ns=_end(expires)
    )
    click.echo(f"A key for {project} ({', '.join(scopes)}). It is shown once:", err=True)
    click.echo(key)
    click.echo(f'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer {key}"', err=True)


@keys.command("list")
def show_all() -> None:
    """List the keys; none of them can be seen again."""
    for row in store.all_of(OPERATOR):
        used = row["last_used_ns"]
        click.echo(
            f"{row['prefix']}…\t{row['project']}\t{row['name']}\t{row['scopes']}\t"
            f"{_state(row)}\tused {times.to_iso(used)[:19] + 'Z' if used else 'never'}"
        )


@keys.command()
@click.argument("prefix")
def revoke(prefix: str) -> None:
    """Revoke the key that begins with PREFIX (or the whole key), from the next request on."""
    if len(prefix) < SHOWN_CHARACTERS:
        raise click.BadParameter(
            f"give at least the {SHOWN_CHARACTERS} characters that `flask keys list` shows."
        )
    if not store.revoke(OPERATOR, prefix):
        raise NameUnknown(f"No valid key begins with {prefix[:SHOWN_CHARACTERS]}.")
    click.echo(f"{prefix[:SHOWN_CHARACTERS]}… is revoked.")


def _end(expires: str | None) -> int | None:
    if expires is None:
        return None
    days = re.fullmatch(r"(\d{1,5})d?", expires.strip())
    if days is None:
        raise click.BadParameter("--expires is a number of days, such as 90d.")
    return time.time_ns() + int(days[1]) * DAY_NS


def _state(row: Row) -> str:
    if row["revoked_ns"] is not None:
        return "revoked"
    if row["expires_ns"] is None:
        return "valid"
    ends = times.to_iso(row["expires_ns"])[:10]
    return f"valid until {ends}" if row["expires_ns"] > time.time_ns() else f"expired {ends}"
