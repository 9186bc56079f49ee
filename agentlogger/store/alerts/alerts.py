"""Alerts: made, listed, changed, deleted, and given to whoever evaluates them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, select, update

from agentlogger.errors import AlertsFull, QueryInvalid
from agentlogger.limits import ALERTS
from agentlogger.models.alerts import AlertCount, AlertRule, AlertState
from agentlogger.models.database import table_of
from agentlogger.models.projects import Project
from agentlogger.query import parsing
from agentlogger.store import arrivals, names, searches, senders
from agentlogger.store.alerts.words import judged_from_ns
from agentlogger.store.clock import now_ns
from agentlogger.store.connections import reading, writing
from agentlogger.store.rows import Row, all_rows, first_row
from agentlogger.store.scope import OperatorScope, ProjectScope

TABLE = table_of(AlertRule)
STATES = table_of(AlertState)
COUNTS = table_of(AlertCount)
PROJECTS = table_of(Project)

OWN = ""
"""The subject of a rule's own state."""

SECRET_BYTES = 32
"""As many as the digest with which it signs."""

COUNTED_FROM_HERE = OperatorScope("an alert counts what comes from its beginning on")

SHOWN = tuple(column for column in TABLE.c if column.name != "secret")


@dataclass(frozen=True)
class Asked:
    """What an alert watches for; it never changes."""

    kind: str
    window_seconds: int
    per: str
    comparison: str | None = None
    threshold: int | None = None
    search_id: uuid.UUID | None = None
    query: str | None = None
    key: str | None = None


def create(scope: ProjectScope, asked: Asked, *, name: str, url: str, created_by: str) -> Row:
    """Make an alert and return its row, with its `secret`: the only time that it can be seen.

    It counts from now on. A query that has to be guessed at is refused, as by `searches.create`.
    Raises QueryInvalid, QueryTooLarge, NameTaken, or AlertsFull.
    """
    given = vars(asked) | {"query": _query(scope, asked)}
    if asked.key is not None and not senders.is_key(scope, asked.key):
        raise _invalid("key", f"The project has no valid key that begins with {asked.key}.")
    row = {
        "id": uuid.uuid4(),
        "project_id": scope.project_id,
        "name": name,
        **given,
        "url": url,
        "secret": f"whsec_{secrets.token_urlsafe(SECRET_BYTES)}",
        "is_enabled": True,
        "created_by": created_by,
        "created_ns": now_ns(),
    }
    with writing() as connection:
        names.take_turns(scope, connection)
        names.refuse_taken(scope, connection, TABLE, name, what="An alert")
        there = select(func.count()).where(TABLE.c.project_id == scope.project_id)
        if connection.execute(there).scalar_one() >= ALERTS:
            raise AlertsFull(
                f"The project has {ALERTS} alerts, and no room for more: delete one that nobody "
                "needs."
            )
        connection.execute(insert(TABLE).values(row))
        begin(scope, connection, row["id"], row["created_ns"])
    return _with_wait(row | _not_yet(row["created_ns"]))


def begin(scope: ProjectScope, connection: Connection, rule_id: uuid.UUID, moment_ns: int) -> None:
    """Have an alert stand as one that is new: nothing fires, and nothing is counted yet."""
    del scope
    connection.execute(delete(STATES).where(STATES.c.rule_id == rule_id))
    connection.execute(delete(COUNTS).where(COUNTS.c.rule_id == rule_id))
    position = arrivals.now(COUNTED_FROM_HERE, connection)
    connection.execute(
        insert(STATES).values(
            rule_id=rule_id,
            subject=OWN,
            is_firing=False,
            since_ns=moment_ns,
            evaluated_ns=moment_ns,
            watched_ns=moment_ns,
            position=position.text(),
        )
    )


def all_of(scope: ProjectScope) -> list[Row]:
    """Every alert of the project with its own state, by name; no secret."""
    with reading() as connection:
        rows = all_rows(connection.execute(_with_state(TABLE.c.project_id == scope.project_id)))
    return names.in_order(scope, [_with_wait(row) for row in rows])


def one(scope: ProjectScope, rule_id: uuid.UUID) -> Row | None:
    """The project's alert with this id and its own state, or None; no secret."""
    with reading() as connection:
        row = first_row(connection.execute(_with_state(*_that(scope, rule_id))))
    return row and _with_wait(row)


def change(scope: ProjectScope, rule_id: uuid.UUID, changes: Mapping[str, Any]) -> Row | None:
    """Change an alert's name, url, threshold or is_enabled, and return its row, or None.

    One that is switched on or off stands as a new one, without a delivery. Raises NameTaken, or
    QueryInvalid for a threshold of one that has none.
    """
    with writing() as connection:
        names.take_turns(scope, connection)
        row = first_row(connection.execute(select(TABLE).where(*_that(scope, rule_id))))
        if row is None:
            return None
        if changes.get("threshold") is not None and row["threshold"] is None:
            raise _invalid("threshold", "Silence has no threshold: it is as long as its window.")
        if "name" in changes and changes["name"] != row["name"]:
            names.refuse_taken(scope, connection, TABLE, changes["name"], what="An alert")
        if changes:
            connection.execute(update(TABLE).where(*_that(scope, rule_id)).values(**changes))
        if changes.get("is_enabled", row["is_enabled"]) != row["is_enabled"]:
            begin(scope, connection, rule_id, now_ns())
        changed = first_row(connection.execute(_with_state(*_that(scope, rule_id))))
    return changed and _with_wait(changed)


def remove(scope: ProjectScope, rule_id: uuid.UUID) -> bool:
    """Delete an alert with its states and deliveries; whether there was one."""
    with writing() as connection:
        return connection.execute(delete(TABLE).where(*_that(scope, rule_id))).rowcount > 0


def enabled(scope: OperatorScope) -> list[Row]:
    """Every alert that is to be evaluated, with its own state and its project's name; no secret."""
    del scope
    statement = _with_state(TABLE.c.is_enabled).add_columns(
        PROJECTS.c.name.label("project"), STATES.c.position
    )
    statement = statement.join(PROJECTS, PROJECTS.c.id == TABLE.c.project_id)
    with reading() as connection:
        return all_rows(connection.execute(statement.order_by(TABLE.c.project_id, TABLE.c.id)))


def keep(scope: ProjectScope, connection: Connection, rule_ids: Collection[uuid.UUID]) -> None:
    """Have nobody delete these alerts until the transaction ends; those that are gone are gone.

    A deletion locks an alert first and then what belongs to it. Who writes what belongs to it calls
    this before, so that the two never wait for each other.
    """
    rules = select(TABLE.c.id).where(
        TABLE.c.project_id == scope.project_id, TABLE.c.id.in_(rule_ids)
    )
    locked = rules.order_by(TABLE.c.id).with_for_update(read=True, key_share=True)
    connection.execute(locked).all()


def count(scope: OperatorScope) -> dict[str, int]:
    """How many alerts of all projects are firing, quiet, failing to be evaluated, or off."""
    del scope
    statement = select(TABLE.c.is_enabled, STATES.c.is_firing, STATES.c.problem).join(
        STATES, and_(STATES.c.rule_id == TABLE.c.id, STATES.c.subject == OWN)
    )
    counts = dict.fromkeys(("firing", "quiet", "unknown", "off"), 0)
    with reading() as connection:
        for row in connection.execute(statement):
            if not row.is_enabled:
                counts["off"] += 1
            elif row.problem is not None:
                counts["unknown"] += 1
            else:
                counts["firing" if row.is_firing else "quiet"] += 1
    return counts


def _with_state(*conditions: ColumnElement[bool]) -> Select[Any]:
    own = and_(STATES.c.rule_id == TABLE.c.id, STATES.c.subject == OWN)
    names = ("is_firing", "since_ns", "value", "evaluated_ns", "watched_ns", "problem")
    state = (STATES.c[name] for name in names)
    return select(*SHOWN, *state).join(STATES, own).where(*conditions)


def _with_wait(row: Row) -> Row:
    """A row with `waits_until_ns`: None where the rule is judged, or is off."""
    until_ns = judged_from_ns(row, row["watched_ns"])
    waits = row["is_enabled"] and not row["is_firing"] and row["evaluated_ns"] < until_ns
    return row | {"waits_until_ns": until_ns if waits else None}


def _not_yet(moment_ns: int) -> Row:
    """How one stands that was made just now."""
    return {
        "is_firing": False,
        "since_ns": moment_ns,
        "value": None,
        "evaluated_ns": moment_ns,
        "watched_ns": moment_ns,
        "problem": None,
    }


def _query(scope: ProjectScope, asked: Asked) -> str | None:
    """The query of a count, read without a hint: of a saved search, or its own."""
    if asked.search_id is not None:
        search = searches.one(scope, asked.search_id)
        if search is None:
            raise _invalid("search", "No saved search has this id in this project.")
        return str(search["query"])
    if asked.query is not None and (hints := parsing.read(asked.query).hints):
        raise QueryInvalid(
            f"The alert was not made, since a part of its query means nothing: {hints[0]}",
            errors={"query": list(hints)},
        )
    return asked.query


def _invalid(field: str, sentence: str) -> QueryInvalid:
    return QueryInvalid(f"The alert is as it was: {sentence}", errors={field: [sentence]})


def _that(scope: ProjectScope, rule_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    return TABLE.c.project_id == scope.project_id, TABLE.c.id == rule_id
