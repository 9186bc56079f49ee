"""Identities: which of the records to append are stored already.

They stand in `placed_identities`, where those that come together lie together. Older programs know
them by their digests alone, in `record_identities`, and both must not store one record each. So
that table stays the one that is asked, and written, until a revision says by a row of no project
that no older program is left. Its rows are found for ever.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    CompoundSelect,
    Connection,
    Engine,
    LargeBinary,
    Table,
    delete,
    func,
    select,
    union_all,
)

from agentlogger.intake.identities import PLACE_BYTES, digest_of
from agentlogger.models.database import db, table_of
from agentlogger.models.identities import FormerIdentity, RecordIdentity
from agentlogger.store.connections import backend_of
from agentlogger.store.pieces import pieces
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(RecordIdentity)
FORMER = table_of(FormerIdentity)

Key = tuple[int, bytes]
"""A project and an identity."""

NO_PROJECT = 0
"""Whose row in `placed_identities` says that no older program is left."""

_left_by_older: WeakKeyDictionary[Engine, bool] = WeakKeyDictionary()
"""Of the databases whose older programs are gone, whether these have left any identity. Neither
changes any more while this process runs."""
os.register_at_fork(after_in_child=_left_by_older.clear)


def claim(
    scope: OperatorScope, connection: Connection, claims: Mapping[Key, tuple[int, int]]
) -> set[Key]:
    """Write down identities, each with its record's time and id; return those that are new.

    One that another transaction is about to store is waited for. They are taken in sorted order,
    so that of two transactions with the same identities one waits for the other and never both.
    """
    if not claims:
        return set()
    backend = backend_of(db.engine.url)
    if older_may_run(scope, connection):
        digests = {(key[0], digest_of(key[1])): key for key in claims}
        rows = [(*digest, *claims[key]) for digest, key in sorted(digests.items())]
        claimed = backend.insert_new(connection, FORMER, rows)
        # The insert has waited for a revision that was just saying so.
        if older_may_run(scope, connection):
            return {digests[key] for key in claimed}
        _delete(connection, FORMER, claimed)
    known = _known_before(connection, claims) if _left_by_older[db.engine] else set()
    rows = [(*key, *place) for key, place in sorted(claims.items()) if key not in known]
    return backend.insert_new(connection, TABLE, rows) if rows else set()


def older_may_run(scope: OperatorScope, connection: Connection) -> bool:
    """Whether older programs may write to this database, beside this one or instead of it."""
    del scope
    if db.engine in _left_by_older:
        return False
    told = select(TABLE.c.identity).where(TABLE.c.project_id == NO_PROJECT).limit(1)
    if connection.execute(told).first() is None:
        return True
    left = connection.execute(select(FORMER.c.project_id).limit(1)).first()
    _left_by_older[db.engine] = left is not None
    return False


def _known_before(connection: Connection, keys: Collection[Key]) -> set[Key]:
    """Those of these identities that older programs have written."""
    digests = {(key[0], digest_of(key[1])): key for key in keys}
    known = set()
    for project in {project for project, _ in keys}:
        for piece in pieces([digest for its, digest in digests if its == project]):
            found = connection.execute(
                select(FORMER.c.identity).where(
                    FORMER.c.project_id == project, FORMER.c.identity.in_(piece)
                )
            )
            known |= {digests[project, bytes(digest)] for digest in found.scalars()}
    return known


def places(scope: ProjectScope, identities: Collection[bytes]) -> CompoundSelect[Any]:
    """A statement for where the records with these identities are: `digest`, `ts_ns`, `record_id`.

    A digest is that of its identity (`intake.identities.digest_of`).
    """
    digest = func.substr(TABLE.c.identity, PLACE_BYTES + 1, type_=LargeBinary())
    written = ((TABLE, digest, identities), (FORMER, FORMER.c.identity, map(digest_of, identities)))
    return union_all(
        *(
            select(said.label("digest"), table.c.ts_ns, table.c.record_id).where(
                table.c.project_id == scope.project_id, table.c.identity.in_(list(these))
            )
            for table, said, these in written
        )
    )


def release(scope: OperatorScope, connection: Connection, keys: Collection[Key]) -> None:
    """Take back the identities of refused records: they may be sent again, corrected."""
    del scope
    _delete(connection, TABLE, keys)
    _delete(connection, FORMER, {(project, digest_of(identity)) for project, identity in keys})


def _delete(connection: Connection, table: Table, keys: Collection[Key]) -> None:
    for project, identity in sorted(keys):
        connection.execute(
            delete(table).where(table.c.project_id == project, table.c.identity == identity)
        )
