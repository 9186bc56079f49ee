"""Records as they are inserted: with their ids, written out, all of them or all that can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from agentlogger.intake.digests import Claim
from agentlogger.intake.record import Record
from agentlogger.models.database import db
from agentlogger.store.clock import day_of
from agentlogger.store.columns import COLUMNS, JSON_COLUMNS, TABLE
from agentlogger.store.connections import backend_of
from agentlogger.store.identifiers import new_record_ids
from agentlogger.store.scope import ProjectScope
from agentlogger.store.written import Written

REFUSED_VALUES = (DataError, IntegrityError, ValueError, OverflowError, TypeError)
"""What databases and drivers raise for a value they do not take. Values are made storable before
they come here (`intake/storable.py`), so this is the second net."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What one request wants to have stored in its project."""

    scope: ProjectScope
    records: Sequence[Record]
    claim: Claim | None
    refused: int


class Numbered(NamedTuple):
    """A record that is to be inserted: whose it is, where it stood there, the columns added."""

    request: Request
    position: int
    added: tuple[int, int, int]
    record: Record
    place: int
    """Where its row is among those that were written out."""


def number(requests: Sequence[Request], strays: set[int]) -> dict[Request, list[Numbered]]:
    """Give ids to records. Those of the days in `strays` have no place of their own."""
    places = count()
    ids = new_record_ids(sum(len(request.records) for request in requests))
    return {
        request: [
            Numbered(
                request,
                index,
                (
                    request.scope.project_id,
                    next(ids),
                    1 if strays and day_of(record.ts_ns) in strays else 0,
                ),
                record,
                next(places),
            )
            for index, record in enumerate(request.records)
        ]
        for request in requests
    }


def rows_of(numbered: Sequence[Numbered]) -> Written:
    """Rows as the database takes them."""
    rows = [one.added + one.record.values() for one in numbered]
    return backend_of(db.engine.url).written(COLUMNS, rows, json=len(JSON_COLUMNS))


def insert(
    connection: Connection, numbered: Sequence[Numbered], rows: Written | None
) -> list[tuple[Numbered, str]]:
    """Insert records; return those that the database refuses, each with the reason.

    With rows that are written out already it takes all or none, and raises what it raises.
    """
    if rows is None:
        return _insert_by_halves(connection, numbered)
    if len(numbered) < len(rows.rows):
        rows = rows.only([one.place for one in numbered])
    backend_of(db.engine.url).insert(connection, TABLE.name, rows)
    return []


def _insert_by_halves(
    connection: Connection, numbered: Sequence[Numbered]
) -> list[tuple[Numbered, str]]:
    """Find the rows that the database refuses, so that the others are stored."""
    try:
        with connection.begin_nested():
            return insert(connection, numbered, rows_of(numbered))
    except REFUSED_VALUES as fault:
        if len(numbered) > 1:
            middle = len(numbered) // 2
            return _insert_by_halves(connection, numbered[:middle]) + _insert_by_halves(
                connection, numbered[middle:]
            )
        reason = (str(getattr(fault, "orig", fault)).strip().splitlines() or ["no reason given"])[0]
        return [(numbered[0], reason)]
