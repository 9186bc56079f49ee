"""API keys: made, listed, revoked, recognised."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection

from sqlalchemy import insert, select, update

from agentlogger.models.database import table_of
from agentlogger.models.keys import ApiKey
from agentlogger.models.projects import Project
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import asked, reading, writing
from agentlogger.store.key_format import SHOWN_CHARACTERS, is_well_formed, new_key
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(ApiKey)
PROJECTS = table_of(Project)

LAST_USED_STEP_NS = 60 * 10**9
"""`last_used_ns` is written at most once a minute: reading must not become writing."""

FOUND = ("digest", "project_id", "name", "prefix", "scopes", "last_used_ns")
FINDING = (
    f"SELECT {', '.join(FOUND)} FROM {TABLE.name} WHERE digest = %s"  # noqa: S608  (our names)
    " AND revoked_ns IS NULL AND coalesce(expires_ns > %s, true)"
)

SCOPES = ("ingest", "read", "admin", "metrics")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def create(
    scope: ProjectScope, *, name: str, scopes: Collection[str], expires_ns: int | None
) -> str:
    """Make a key of this project and return it: this is the only time that it can be seen."""
    key = new_key()
    with writing() as connection:
        connection.execute(
            insert(TABLE).values(
                id=uuid.uuid4(),
                project_id=scope.project_id,
                name=name,
                prefix=key[:SHOWN_CHARACTERS],
                digest=_digest(key),
                scopes=" ".join(word for word in SCOPES if word in scopes),
                created_ns=now_ns(),
                expires_ns=expires_ns,
            )
        )
    return key


def all_of(scope: OperatorScope) -> list[Row]:
    """Every key with its project's name, newest first."""
    del scope
    statement = (
        select(TABLE, PROJECTS.c.name.label("project"))
        .join(PROJECTS)
        .order_by(TABLE.c.created_ns.desc())
    )
    with reading() as connection:
        return all_rows(connection.execute(statement))


def revoke(scope: OperatorScope, prefix: str) -> int:
    """Revoke the keys that begin like this, from the next request on; return how many."""
    del scope
    with writing() as connection:
        statement = (
            update(TABLE)
            .where(TABLE.c.prefix == prefix[:SHOWN_CHARACTERS], TABLE.c.revoked_ns.is_(None))
            .values(revoked_ns=now_ns())
        )
        return connection.execute(statement).rowcount


def find(scope: OperatorScope, key: str) -> Row | None:
    """The row of a key that is well-formed, known, not expired and not revoked.

    The database is asked each time: a revoked key is refused by the very next request.
    """
    del scope
    if not is_well_formed(key):
        return None
    rows = asked(FINDING, _digest(key), now_ns())
    return dict(zip(FOUND, rows[0], strict=True)) if rows else None


def note_use(scope: OperatorScope, row: Row) -> None:
    """Remember that a key was used just now, unless that was noted within the minute."""
    del scope
    now = now_ns()
    if row["last_used_ns"] is not None and now - row["last_used_ns"] < LAST_USED_STEP_NS:
        return
    with writing() as connection:
        connection.execute(
            update(TABLE).where(TABLE.c.digest == row["digest"]).values(last_used_ns=now)
        )
