"""`flask db squash`: many revisions made one, once both are shown to make the same."""

from __future__ import annotations

import json
from typing import Any

import click
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import with_appcontext

from agentlogger.migrate.asking import asked
from agentlogger.migrate.causes import CannotSquash
from agentlogger.migrate.extension import Migrations
from agentlogger.migrate.rehearsal import proofs
from agentlogger.migrate.revisions.folder import JOURNAL, shown
from agentlogger.migrate.revisions.messages import judge
from agentlogger.migrate.squashing import journal
from agentlogger.migrate.squashing.made import Difference
from agentlogger.migrate.squashing.replaced import choose
from agentlogger.migrate.squashing.squash import Squash, accept, propose

INDENT = "    "


@click.command("squash", short_help="Make one revision of all before another.")
@click.option("--before", required=True, metavar="REV", help="The first revision that stays.")
@click.option("-m", "--message", help="What the new base says of itself.")
@click.option("--dry-run", is_flag=True, help="Compare both histories, and change no file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
def squash(before: str, message: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Replace all revisions before REV by one that makes the same.

    Both histories are run on scratch databases, of PostgreSQL and of SQLite, and compared object by
    object and row by row. Where they differ nothing is changed, and the command ends with 41.
    """
    extension: Migrations = current_app.extensions["migrations"]
    if (extension.folder / JOURNAL).exists():
        _finish(extension)
        return
    task = asked("squash")
    choice = choose(before, task.revisions)
    told = message or f"create schema before {choice.follower.revision}"
    if not task.options.allows("allow-message"):
        judge(told)
    found = propose(task, choice, told, _naming())
    is_same = not found.differences
    if is_same and not dry_run:
        accept(task, found)
    written = is_same and not dry_run
    click.echo(
        json.dumps(_as_json(found, written=written), indent=2)
        if as_json
        else "\n".join(_shown(found, written=written))
    )
    if not is_same:
        click.get_current_context().exit(CannotSquash.exit_code)


def _naming() -> Any:
    """What names a new file: the settings that `flask db revision` has."""
    from_settings = current_app.extensions["migrate"].migrate.get_config()
    return ScriptDirectory.from_config(from_settings)


def _finish(extension: Migrations) -> None:
    files = journal.finish(extension.folder)
    named = ", ".join(shown(extension.folder / name) for name in files)
    click.echo(
        f"A squash that was killed while it wrote its files is finished: {named}. Nothing else was "
        "done; `git status` shows what it changed."
    )


def _as_json(found: Squash, *, written: bool) -> dict[str, Any]:
    """The squash as JSON has it; a promise to scripts."""
    return {
        "before": found.choice.follower.revision,
        "revision": found.revision,
        "file": found.file,
        "replaces": list(found.choice.ids),
        "heads": list(found.choice.heads),
        "rows": dict(found.rows),
        "same": not found.differences,
        "written": written,
        "differences": [
            {
                "database": one.database,
                "object": one.thing,
                "before": one.before,
                "after": one.after,
            }
            for one in found.differences
        ],
    }


def _shown(found: Squash, *, written: bool) -> list[str]:
    rows = ", ".join(f"{count} of {table}" for table, count in found.rows.items())
    lines = [
        f"Before {found.choice.follower.revision} ({found.choice.follower.message}):",
        *(f"{INDENT}{one.revision}  {one.message}" for one in found.choice.replaced),
        f"Rows: {rows or 'none'}",
    ]
    if found.differences:
        for one in found.differences:
            lines += ["", *_difference(one)]
        count = len(found.differences)
        return [
            *lines,
            "",
            f"{'1 difference' if count == 1 else f'{count} differences'}: nothing was changed.",
        ]
    lines.append("Both histories make the same, on PostgreSQL and on SQLite, forth and back.")
    if not written:
        return [*lines, f"Would be written: {found.file}. Nothing was changed."]
    lines.append(
        f"Written: {found.file}, revision {found.revision}; {len(found.gone)} files are gone, and "
        "migrations.sum is sealed anew. Read it, then commit all of it together."
    )
    if any(name.startswith(proofs.FOLDER) for name in found.gone):
        lines.append(
            "The proofs of what is gone went with it: `flask db rehearse --all --prove`, on a "
            "database of each kind, proves the base and what follows it."
        )
    return lines


def _difference(one: Difference) -> list[str]:
    lines = [f"{one.thing} ({one.database}):"]
    for side, text in (("before", one.before), ("after", one.after)):
        first, *rest = (text or "nothing").splitlines()
        lines.append(f"  {side + ':':<8}{first}")
        lines += [f"{INDENT}{line}" for line in rest]
    return lines
