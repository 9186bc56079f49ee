"""`flask db restore-snapshot`: what the database can be put back to, and putting it back."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.dialect import Dialect, Difference, Restorable
from agentlogger.migrate.extension import database_url
from agentlogger.migrate.task import DIALECTS
from agentlogger.migrate.trial.progress import progress

COMMAND = "flask db restore-snapshot"
SPANS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


@click.command("restore-snapshot", short_help="List snapshots of SQLite, or put one back.")
@click.argument("name", required=False)
@click.option("--latest", is_flag=True, help="Restore the newest snapshot.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="List the snapshots as JSON.")
@with_appcontext
def restore_snapshot(name: str | None, latest: bool, yes: bool, as_json: bool) -> None:
    """List the snapshots of the database, or put the one of this NAME in its place.

    The file that is replaced is kept beside it, and can be restored by its name as well. Refused
    while a server runs.
    """
    if (name is not None) + latest + as_json > 1:
        raise click.UsageError("Give a name, --latest or --json, and no two of them.")
    url = database_url(current_app)
    dialect = DIALECTS[url.get_backend_name()]
    found = dialect.restorable(url)
    if as_json:
        click.echo(json.dumps([_as_json(one) for one in found], indent=2))
    elif name is None and not latest:
        _list(url, found)
    else:
        _restore(dialect, url, _chosen(url, found, name), yes)


def _list(url: URL, found: Sequence[Restorable]) -> None:
    snapshots = [one for one in found if one.kind == "snapshot"]
    replaced = [one for one in found if one.kind != "snapshot"]
    if not snapshots:
        click.echo(
            f"{url.database} has no snapshot: `flask db upgrade` makes one before the first "
            "revision that it applies to a database with tables."
        )
    else:
        click.echo(f"Snapshots of {url.database}, newest first:")
        _show(snapshots)
    if replaced:
        click.echo("What restores have replaced, newest first; delete what is not needed:")
        _show(replaced)
    if snapshots:
        click.echo(f"Put the newest back: {COMMAND} {snapshots[0].path.name}")


def _show(files: Sequence[Restorable]) -> None:
    for one in files:
        place = "unreadable" if one.revision is None else _place(one.revision)
        click.echo(f"  {one.path.name}  {_size(one.size)}  {place}  {_age(one.made)} ago")


def _chosen(url: URL, found: Sequence[Restorable], name: str | None) -> Restorable:
    """The file of this name, or the newest snapshot; the whole path is a name too."""
    fitting = [
        one
        for one in found
        if (one.kind == "snapshot" if name is None else name in {one.path.name, str(one.path)})
    ]
    if not fitting:
        wanted = "no snapshot" if name is None else f"no snapshot {name!r}"
        raise Refused(
            f"{url.database} has {wanted}, so nothing was restored: `{COMMAND}` lists them."
        )
    return fitting[0]


def _restore(dialect: Dialect, url: URL, chosen: Restorable, yes: bool) -> None:
    # This program's own connections would look like a server's.
    current_app.extensions["migrate"].db.engine.dispose()
    doing = f"{COMMAND} {chosen.path.name}"
    if not yes:
        with progress("Comparing"):
            difference = dialect.compare(url, chosen.path, doing=doing)
        _tell(url, chosen, difference)
        if not _somebody_is_there():
            raise click.UsageError(
                f"Nothing was restored, for there is nobody to ask: say so with `{doing} --yes`."
            )
        click.confirm("Restore it?", abort=True)
    with progress("Restoring"):
        restored = dialect.restore(url, chosen.path, doing=doing)
    click.echo(f"{url.database} is now {_place(restored.revision)}, from {chosen.path.name}.")
    if restored.kept is not None:
        for line in _losses(restored.newer, restored.damage, ", now only in the kept file"):
            click.echo(line)
        click.echo(f"What was replaced is kept: {restored.kept}")
        click.echo(f"Back to it: {COMMAND} {restored.kept.name}")
    click.echo(
        "A server may be started: of the release that worked at this revision, or of a newer one "
        "after `flask db upgrade`."
    )


def _somebody_is_there() -> bool:
    return sys.stdin.isatty()


def _tell(url: URL, chosen: Restorable, difference: Difference) -> None:
    now = "cannot be read" if difference.revision is None else f"is {_place(difference.revision)}"
    click.echo(f"{url.database} {now}.")
    click.echo(f"{chosen.path.name} is {_place(chosen.revision)}, made {_age(chosen.made)} ago.")
    kept = " and will be only in the kept file, beside the database"
    for line in _losses(difference.newer, difference.damage, kept):
        click.echo(line)
    click.echo("What was changed or deleted since then will be as it was.")


def _losses(newer: Mapping[str, int], damage: str, where: str) -> list[str]:
    lines = [
        f"{table}: {count:,} {'record is' if count == 1 else 'records are'} newer{where}."
        for table, count in sorted(newer.items())
    ]
    if damage:
        lines.append(
            f"How many records are newer is not known: the database is damaged ({damage})."
        )
    return lines or ["No record is newer."]


def _as_json(one: Restorable) -> dict[str, object]:
    return {
        "name": one.path.name,
        "path": str(one.path),
        "kind": one.kind,
        "bytes": one.size,
        "revision": one.revision,
        "made": one.made.isoformat().replace("+00:00", "Z"),
    }


def _place(revision: str | None) -> str:
    if revision is None:
        return "at an unknown revision"
    return f"at revision {revision}" if revision else "at no revision"


def _size(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _age(made: datetime) -> str:
    seconds = max(0, round((datetime.now(UTC) - made).total_seconds()))
    for name, length in SPANS:
        if seconds >= length:
            count = seconds // length
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} s"
