"""The only way to a connection: a reading one or a writing one, with faults made refusals."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from agentlogger.errors import DatabaseBehind, DatabaseUnavailable
from agentlogger.limits import RETRY_AFTER_SECONDS
from agentlogger.models.database import db
from agentlogger.store.backend import Backend
from agentlogger.store.postgresql import backend as postgresql
from agentlogger.store.sqlite import backend as sqlite

UNAVAILABLE = (OperationalError, InterfaceError, InternalError)
"""What databases raise for themselves and not for a value: away, locked, full, read-only. A plain
DatabaseError is one too: SQLite's for a file that is damaged."""

BACKENDS: dict[str, Backend] = {"postgresql": postgresql, "sqlite": sqlite}


def engine_options(url: str, *, threads: int) -> dict[str, Any]:
    """What the application's engine is made with, for the database at this address."""
    address = make_url(url)
    backend = backend_of(address)
    return {
        "hide_parameters": True,  # a database's error must not print a prompt into the server's log
        "json_serializer": backend.serialize,
        "json_deserializer": backend.deserialize,
        **backend.engine_options(address, threads),
    }


def prepare_engine() -> None:
    """Set up the application's engine, once, inside its context and before its first connection."""
    backend_of(db.engine.url).prepare(db.engine)


def backend_of(url: URL) -> Backend:
    """How this database does it."""
    return BACKENDS[url.get_backend_name()]


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection in a transaction that reads one state of the database."""
    with _faults_made_refusals(), db.engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def reading_one_moment() -> Iterator[Connection]:
    """A connection in a transaction whose statements all see the same moment of the database."""
    with _faults_made_refusals(), db.engine.connect() as connection:
        backend_of(db.engine.url).see_one_moment(connection)
        with connection.begin():
            yield connection


@contextmanager
def writing() -> Iterator[Connection]:
    """A connection in a transaction that is on disk when the block is left without an error.

    Raises DatabaseUnavailable where the database is away, locked, full or busy, and DatabaseBehind
    where it lacks the tables; nothing was stored then.
    """
    backend = backend_of(db.engine.url)
    with _faults_made_refusals(), backend.writer(db.engine) as connection:
        yield connection


def asked(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What one statement finds, with a `%s` for each parameter, in a transaction of its own.

    For what every request asks: it takes a third of what `reading` takes (measured). Raises what
    `reading` raises.
    """
    backend = backend_of(db.engine.url)
    with _faults_made_refusals(), db.engine.connect() as connection:
        return backend.one_statement(connection, statement, *parameters)


def place(days: Collection[int]) -> set[int]:
    """Which of these days have a place of their own, made where they may be made.

    Raises what `writing` raises.
    """
    with _faults_made_refusals():
        return backend_of(db.engine.url).place(days)


@contextmanager
def _faults_made_refusals() -> Iterator[None]:
    backend_of(db.engine.url).refuse_while_it_hangs(db.engine)
    try:
        yield
    except PoolTimeout:
        raise DatabaseUnavailable(
            "All connections to the database are in use, so nothing was stored or read: "
            "try the same again in a moment.",
            retry_after=RETRY_AFTER_SECONDS,
        ) from None
    except DBAPIError as fault:
        refusal = refusal_for(fault)
        if refusal is None:
            raise
        raise refusal from fault


def refusal_for(fault: DBAPIError) -> DatabaseUnavailable | DatabaseBehind | None:
    """The refusal that a database's fault amounts to, or None where the fault is our own."""
    reason = (str(fault.orig).strip().splitlines() or [type(fault.orig).__name__])[0]
    if backend_of(db.engine.url).lacks_a_table(fault):
        return DatabaseBehind(
            f"The database lacks what this program needs ({reason}), so nothing was stored or "
            "read: run `flask db upgrade`, then try the same again.",
            retry_after=RETRY_AFTER_SECONDS,
        )
    if not (isinstance(fault, UNAVAILABLE) or type(fault) is DatabaseError):
        return None
    return DatabaseUnavailable(
        f"The database is unavailable ({reason}): try the same again in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
    )
