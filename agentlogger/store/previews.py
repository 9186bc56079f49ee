"""A record as it stands among others: with its public id, a long body as its beginning."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Table

from agentlogger.limits import LARGE_CHARACTERS, PREVIEW_CHARACTERS
from agentlogger.models.database import db
from agentlogger.store.connections import backend_of
from agentlogger.store.identifiers import public_id
from agentlogger.store.rows import Row


def cut_body(table: Table) -> ColumnElement[Any]:
    """Of a body that is long: its length and its beginning, made by the database; or NULL."""
    backend = backend_of(db.engine.url)
    return backend.cut(table.c.body, longer_than=LARGE_CHARACTERS, to=PREVIEW_CHARACTERS)


def listed(row: Row) -> Row:
    """A row that has what `cut_body` makes as `cut`, and as `body` what was not cut."""
    cut = row.pop("cut")
    found = with_public_id(row)
    if cut is None:
        return found | {"truncated": None}
    length, beginning = cut
    shown = backend_of(db.engine.url).shown(beginning)
    return found | {"body": shown, "truncated": {"body": length}}


def with_public_id(row: Row) -> Row:
    """A row with its record's id for people and programs."""
    return {**row, "public_id": public_id(row["ts_ns"], row["id"])}
