"""Back to a database that this program knows, by the scripts that the newer one has left in it.

Nothing is executed that was not signed with one of this program's keys. SQL that was rendered when
the revision was applied is preferred to its source.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config

from agentlogger.migrate.causes import Refused, Unsigned
from agentlogger.migrate.extension import Migrations
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.history import Entry, last_up

BY_SQL = '''"""{message}"""

from alembic import op

revision = {revision!r}
down_revision = {parents!r}
branch_labels = None
depends_on = None
phase = {phase!r}
reversible = {reversible!r}

STATEMENTS = {statements!r}


def upgrade():
    raise RuntimeError("Only the way back of this revision is known here.")


def downgrade():
    for statement in STATEMENTS:
        # As it stands: without parameters a percent sign is one.
        op.get_bind().exec_driver_sql(statement, execution_options={{"no_parameters": True}})
'''
"""A revision of which only the rendered way back is left."""

IN_PARTS = {"COMMIT", "BEGIN"}


def carried(state: State, keys: Sequence[bytes]) -> list[Entry]:
    """The revisions that only the database has, last applied first. Raises Unsigned."""
    told = last_up(state.history)
    found = []
    for revision in reversed(state.unknown):
        entry = told.get(revision)
        if entry is None:
            raise Refused(
                f"The database has revision {revision}, and its history does not hold the script: "
                "take it back with the program that has applied it."
            )
        if not entry.is_signed_by(keys):
            what = "has no signature" if entry.signature is None else "was signed with another key"
            raise Unsigned(
                f"The script of revision {revision} in the database {what}, so it is not executed: "
                "set SECRET_KEY to that of the program which applied it (or name it in "
                "SECRET_KEY_FALLBACKS), or take it back with that program."
            )
        found.append(entry)
    return found


def roll_back(extension: Migrations, entries: Sequence[Entry], x: Sequence[str]) -> None:
    """Take these revisions back, in this order, through the same room as every downgrade."""
    revisions = [entry.revision for entry in entries]
    with tempfile.TemporaryDirectory(prefix="migration-way-back-") as folder:
        for entry in entries:
            (Path(folder) / f"{entry.revision}.py").write_text(_script(entry), encoding="utf-8")
        config = extension.configuration(carried=frozenset(revisions), back=revisions, x=list(x))
        _add_versions(config, extension.folder, folder)
        command.downgrade(config, f"-{len(revisions)}")


def way_of(entry: Entry) -> str:
    """Whether the way back is SQL that was rendered, or the revision's own source."""
    return "stored SQL" if _has_whole_sql(entry) else "stored source"


def _has_whole_sql(entry: Entry) -> bool:
    # What runs in parts needs the source, which says where a transaction ends.
    return entry.down_sql is not None and not IN_PARTS & set(entry.down_sql)


def _script(entry: Entry) -> str:
    if not _has_whole_sql(entry):
        return entry.source
    return BY_SQL.format(
        message=entry.message.replace('"', "'").replace("\\", "/"),
        revision=entry.revision,
        parents=entry.parents if len(entry.parents) > 1 else (entry.parents or (None,))[0],
        phase=entry.phase,
        reversible=entry.reversible,
        statements=list(entry.down_sql or ()),
    )


def _add_versions(config: Config, own: Path, more: str) -> None:
    config.set_main_option("path_separator", "newline")
    locations = f"{own / 'versions'}\n{more}".replace("%", "%%")
    config.set_main_option("version_locations", locations)
