"""Senders: when each key was last sent with, written down and read."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import and_, case, func, or_, select

from agentlogger.models.database import db, table_of
from agentlogger.models.keys import ApiKey
from agentlogger.models.senders import Sender
from agentlogger.store.connections import backend_of, reading, writing
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(Sender)
KEYS = table_of(ApiKey)

Who = tuple[int, str]
"""A project, and the first characters of a key; "" for what came without one."""


def note(scope: OperatorScope, last: Mapping[Who, int]) -> None:
    """Write down when records last came with each key of any project; a later time stays.

    Raises DatabaseUnavailable or DatabaseBehind, and then nothing was written.
    """
    del scope
    if not last:
        return
    statement = backend_of(db.engine.url).insert_statement(TABLE)
    new = statement.excluded.last_ns
    later = statement.on_conflict_do_update(
        index_elements=[TABLE.c.project_id, TABLE.c.key],
        set_={"last_ns": case((new > TABLE.c.last_ns, new), else_=TABLE.c.last_ns)},
    )
    # Sorted, so that two workers that note the same wait for each other and never deadlock.
    rows = [
        {"project_id": project, "key": key, "last_ns": last_ns}
        for (project, key), last_ns in sorted(last.items())
    ]
    with writing() as connection:
        connection.execute(later, rows)


def last_of_project(scope: ProjectScope) -> int | None:
    """When records last came to a project; None where none ever did."""
    latest = select(func.max(TABLE.c.last_ns)).where(TABLE.c.project_id == scope.project_id)
    with reading() as connection:
        found: int | None = connection.execute(latest).scalar()
    return found


def last_of_key(scope: ProjectScope, key: str) -> int | None:
    """When records last came with a key of the project; None where none ever did."""
    latest = select(TABLE.c.last_ns).where(
        TABLE.c.project_id == scope.project_id, TABLE.c.key == key
    )
    with reading() as connection:
        found: int | None = connection.execute(latest).scalar()
    return found


def last_of_keys(scope: ProjectScope, now_ns: int, *, limit: int) -> dict[str, int]:
    """When records last came with each valid key of the project, the longest silent first."""
    statement = (
        select(TABLE.c.key, TABLE.c.last_ns)
        .where(
            TABLE.c.project_id == scope.project_id,
            TABLE.c.key.in_(
                select(KEYS.c.prefix).where(
                    KEYS.c.project_id == scope.project_id,
                    KEYS.c.revoked_ns.is_(None),
                    or_(KEYS.c.expires_ns.is_(None), KEYS.c.expires_ns > now_ns),
                )
            ),
        )
        .order_by(TABLE.c.last_ns, TABLE.c.key)
        .limit(limit)
    )
    with reading() as connection:
        return {row.key: row.last_ns for row in connection.execute(statement)}


def of_project(scope: ProjectScope, *, limit: int) -> list[Row]:
    """With what records came to a project, the last first: `key`, its `name`, `last_ns`.

    The name is None where the key is gone, and where records came without one; `is_revoked` tells
    of the others.
    """
    statement = (
        select(
            TABLE.c.key,
            TABLE.c.last_ns,
            KEYS.c.name,
            KEYS.c.revoked_ns.is_not(None).label("is_revoked"),
        )
        .outerjoin(
            KEYS, and_(KEYS.c.prefix == TABLE.c.key, KEYS.c.project_id == TABLE.c.project_id)
        )
        .where(TABLE.c.project_id == scope.project_id)
        .order_by(TABLE.c.last_ns.desc(), TABLE.c.key)
        .limit(limit)
    )
    with reading() as connection:
        return all_rows(connection.execute(statement))


def is_key(scope: ProjectScope, key: str) -> bool:
    """Whether the project has a key that begins so, revoked ones left out."""
    there = select(KEYS.c.id).where(
        KEYS.c.project_id == scope.project_id, KEYS.c.prefix == key, KEYS.c.revoked_ns.is_(None)
    )
    with reading() as connection:
        return connection.execute(there).first() is not None
