"""A revision that needs a backfill is not applied before it is finished."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select

from agentlogger.migrate.backfills import throttle
from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.progress import PAUSED, Backfill, backfills
from agentlogger.migrate.causes import BackfillUnfinished, Refused
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.ledger.tables import BACKFILLS
from agentlogger.migrate.options import BACKFILL_BATCH
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.recording import record
from agentlogger.migrate.verbs.backfills import BackfillOp


def refuse_unfinished(
    connection: Connection,
    dialect: Dialect,
    script: ScriptDirectory,
    revision: Declared,
    keys: Sequence[bytes],
) -> None:
    """Raise BackfillUnfinished where a backfill that the revision needs is not finished.

    One that is finished is looked at once more, and what an older program has written since is
    filled, in batches that are committed. One that the database does not know was done at once by a
    program before this, or its revision was stamped; raises Refused where no revision before this
    one has it at all, and Unsigned.
    """
    known = {one.name: one for one in backfills(connection)}
    for name in revision.needs_backfills:
        found = known.get(name)
        if found is None:
            _refuse_unheard_of(script, connection, revision, name)
        elif not found.is_finished:
            raise BackfillUnfinished(
                f"{unfinished(revision, found)} The revisions before it are applied."
            )
        elif _is_left_after_another_walk(connection, dialect, name, keys):
            raise BackfillUnfinished(
                f"Revision {revision.revision} ({revision.message}) needs the backfill {name}, "
                f"and since that was finished rows of {found.table} have come that need it too, "
                f"and still come, by an older program: end that, then {_way_on(name)}."
            )


def unfinished(revision: Declared, one: Backfill) -> str:
    """What a revision waits for, how far that is, and what finishes it."""
    paused = f"it is paused, so `flask db backfill resume {one.name}` first; then "
    return (
        f"Revision {revision.revision} ({revision.message}) needs the backfill {one.name} of "
        f"revision {one.revision}, and that is not finished ({one}): "
        f"{paused if one.state == PAUSED else ''}{_way_on(one.name)}."
    )


def _way_on(name: str) -> str:
    return f"finish it with `flask db backfill run {name}`, then run `flask db upgrade` again"


def _is_left_after_another_walk(
    connection: Connection, dialect: Dialect, name: str, keys: Sequence[bytes]
) -> bool:
    """Whether rows that need a finished backfill are there even when it was done once more."""
    row = connection.execute(select(BACKFILLS).where(BACKFILLS.c.name == name)).one()
    if row.where_sql is None:
        return False
    walk = dialect.make_walk(connection, Definition.trusted(row, keys))
    if not walk.is_left(connection):
        return False
    after, end, rows = None, walk.end(connection), throttle.FIRST_ROWS
    while end is not None:
        connection.commit()
        began = time.monotonic()
        filled = walk.fill(connection, after, end, rows, again=True)
        connection.commit()
        if filled.walked < rows or filled.last in {None, end}:
            break
        after = filled.last
        rows = throttle.next_rows(rows, time.monotonic() - began, BACKFILL_BATCH.default)
    return walk.is_left(connection)


def _refuse_unheard_of(
    script: ScriptDirectory, connection: Connection, revision: Declared, name: str
) -> None:
    told = list(_before(script, connection, revision))
    if None in told or name in told:
        return
    named = ", ".join(sorted(one for one in told if one)) or "none"
    raise Refused(
        f"Revision {revision.revision} ({revision.message}) needs the backfill {name}, and no "
        f"revision before it has one of that name (there are: {named}): correct `needs_backfills` "
        f"in {revision.path.name}, then run the same command again."
    )


def _before(
    script: ScriptDirectory, connection: Connection, revision: Declared
) -> Iterator[str | None]:
    """The names of the backfills before a revision; None for one that cannot tell them."""
    for one in script.iterate_revisions(revision.revision, "base"):
        # Those of squashed revisions, which are finished wherever the base itself was applied.
        yield from getattr(one.module, "replaced_backfills", ())
        recorded = record(one.module.upgrade, connection.dialect)
        yield from (operation.name for operation in recorded.of(BackfillOp))
        if not recorded.is_complete:
            yield None
