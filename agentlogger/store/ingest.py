"""The ingest ledger: findings noted, bounded, and read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from agentlogger.intake.findings import Finding
from agentlogger.limits import FINDINGS_KEPT
from agentlogger.models.database import db, table_of
from agentlogger.models.ingest import IngestFinding
from agentlogger.store.connections import backend_of, reading, writing
from agentlogger.store.rows import Row, all_rows
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(IngestFinding)


def note(scope: OperatorScope, findings: Iterable[Finding]) -> None:
    """Write findings of any projects down, each in the row of those like it.

    Of each kind the newest of a key are kept. Raises DatabaseUnavailable or DatabaseBehind, and
    then nothing was written.
    """
    del scope
    rows = [_row(finding) for finding in findings]
    # Sorted, so that two workers that note the same wait for each other and never deadlock.
    rows.sort(key=lambda row: (row["project_id"], row["finding"]))
    if not rows:
        return
    with writing() as connection:
        for row in rows:
            _count_up(connection, row)
        for place in sorted({(row["project_id"], row["key"], row["kind"]) for row in rows}):
            _forget_oldest(connection, *place)


def of_project(
    scope: ProjectScope, *, kind: str | None = None, key: str | None = None, limit: int
) -> list[Row]:
    """The findings of a project, the one that happened last first."""
    statement = select(TABLE).where(TABLE.c.project_id == scope.project_id)
    if kind is not None:
        statement = statement.where(TABLE.c.kind == kind)
    if key is not None:
        statement = statement.where(TABLE.c.key == key)
    statement = statement.order_by(TABLE.c.last_ns.desc(), TABLE.c.finding).limit(limit)
    with reading() as connection:
        return all_rows(connection.execute(statement))


def _row(finding: Finding) -> Row:
    sender = finding.sender
    same = (sender.key, sender.agent, sender.service, finding.kind, finding.door, finding.code)
    return {
        "project_id": sender.project_id,
        "finding": hashlib.sha256("\0".join(same).encode()).digest(),
        "key": sender.key,
        "key_name": sender.key_name,
        "kind": finding.kind,
        "door": finding.door,
        "code": finding.code,
        "reason": finding.reason,
        "sample": finding.sample,
        "agent": sender.agent,
        "service": sender.service,
        "count": finding.count,
        "first_ns": finding.first_ns,
        "last_ns": finding.last_ns,
    }


def _count_up(connection: Connection, row: Row) -> None:
    insert = backend_of(db.engine.url).insert_statement(TABLE)
    new = insert.excluded
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[TABLE.c.project_id, TABLE.c.finding],
            set_={
                "count": TABLE.c.count + new.count,
                "last_ns": new.last_ns,
                "reason": new.reason,
                "sample": new.sample,
                "key_name": new.key_name,
            },
        ),
        row,
    )


def _forget_oldest(connection: Connection, project_id: int, key: str, kind: str) -> None:
    """Delete what is behind the newest of a key and kind."""
    there = (TABLE.c.project_id == project_id, TABLE.c.key == key, TABLE.c.kind == kind)
    oldest_kept = (
        select(TABLE.c.last_ns)
        .where(*there)
        .order_by(TABLE.c.last_ns.desc())
        .offset(FINDINGS_KEPT - 1)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(delete(TABLE).where(*there, TABLE.c.last_ns < oldest_kept))
