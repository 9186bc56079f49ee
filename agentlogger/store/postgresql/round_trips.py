"""Statements of PostgreSQL that share a round trip, and are given to the driver itself.

A request of a few records costs what its statements cost around their work: a round trip takes as
long as a short INSERT, and SQLAlchemy's own way through one longer than that (measured). So what
answers nothing waits for the next statement, and both are sent as one text, which the server runs
in its order. The simple protocol allows that, and so does a pooler between transactions.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

WAITING = "agentlogger.waiting"
"""Where a connection keeps what is to be sent before its next statement."""

LINES = "agentlogger.lines"
"""Where a connection keeps the lines of the one COPY among what waits, with its text."""

FIRST = "agentlogger.first"
"""What the transaction begins with: where nothing else came, none has begun."""

COPY_PIECE = 256 * 1024
"""Bytes of COPY that are handed to the driver at once. Between two pieces it lets go of the
interpreter and has to get it back from threads that decode."""

OURS = "agentlogger.ours"
"""Whether this connection's transactions are begun and ended by what stands here."""

ONE_MOMENT = "agentlogger.one_moment"
"""Whether the transaction that is about to begin sees one moment in all of its statements."""

SEES_ONE_MOMENT = b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
"""Said to the server and not to the driver. Whoever has told the driver of an isolation level has
it ask the server to forget it whenever its own transactions are left: a round trip for each request
that comes to this connection later."""


def bound(engine: Engine, settings: Callable[[Connection], bytes]) -> None:
    """Have each transaction of an engine begin with these settings, with its first statement."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        info = connection.info
        info[WAITING], info[LINES] = [SEES_ONE_MOMENT] if info.pop(ONE_MOMENT, False) else [], None
        first = settings(connection)
        # Unless the settings had something asked before, it is still to be said.
        first = b"; ".join([*info[WAITING], first])
        info[FIRST] = b"BEGIN; " + first if info.get(OURS) else first
        info[WAITING], info[LINES] = [info[FIRST]], None

    @event.listens_for(engine, "commit")
    def _commit(connection: Connection) -> None:
        info = connection.info
        waiting = info[WAITING]
        if not (len(waiting) == 1 and waiting[0] is info[FIRST]):
            flush(connection, *([b"COMMIT"] if info.get(OURS) else []))

    @event.listens_for(engine, "rollback")
    def _end(connection: Connection) -> None:
        if not connection.invalidated:
            connection.info[WAITING], connection.info[LINES] = [], None
            if connection.info.get(OURS):
                _roll_back(connection, _driver(connection))

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def _join(
        connection: Connection,
        cursor: Any,
        statement: str,
        parameters: Any,
        _context: Any,
        is_many: bool,
    ) -> tuple[str, Any]:
        info = connection.info
        waiting = info.get(WAITING)
        if not waiting:
            return statement, parameters
        # Some statements bear no other beside them where no transaction is open.
        is_within = info.get(OURS) or not _driver(connection).autocommit
        text = b"; ".join(waiting)
        bears_none = is_many or cursor.name is not None or not is_within
        if bears_none or b"%" in text or info.get(LINES):
            flush(connection)
            return statement, parameters
        info[WAITING] = []
        return f"{text.decode()}; {statement}", parameters


def see_one_moment(connection: Connection) -> None:
    """Have the statements of this connection's transaction, not begun yet, all see the same."""
    connection.info[ONE_MOMENT] = True


def later(connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> None:
    """Have a statement sent before the next one; what it raises is raised then."""
    with _driver(connection).cursor() as cursor:
        connection.info.setdefault(WAITING, []).append(
            cursor.mogrify(statement, parameters or None)
        )


def flush(connection: Connection, *ending: bytes) -> None:
    """Send what waits, and this behind it, now."""
    info = connection.info
    waiting = info.get(WAITING)
    if waiting or ending:
        text = b"; ".join([*(waiting or ()), *ending])
        lines = info.get(LINES)
        info[WAITING], info[LINES] = [], None
        if lines is None:
            _send(connection, text)
        else:
            _copy(connection, text, *lines, ends=bool(ending))


def fetched(
    connection: Connection, statement: str, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """What a statement finds, of which bytes come as memoryviews. Raises DBAPIError."""
    if connection.info.get(LINES):
        # What a statement behind a COPY finds, the driver throws away.
        flush(connection)
    waiting = connection.info.get(WAITING)
    if not waiting:
        return _send(connection, statement, parameters)
    connection.info[WAITING] = []
    with _driver(connection).cursor() as cursor:
        own = cursor.mogrify(statement, parameters or None)
    return _send(connection, b"; ".join([*waiting, own]))


@contextmanager
def writing(connection: Connection) -> Iterator[None]:
    """A transaction whose BEGIN and COMMIT share a round trip with the statements beside them.

    The driver knows of none meanwhile: it would send each of them by itself.
    """
    driver, info = _driver(connection), connection.info
    with _bare_faults_wrapped(connection):
        driver.autocommit = info[OURS] = True
    try:
        with _bare_faults_wrapped(connection), connection.begin():
            yield
    finally:
        if not driver.closed:
            info[OURS] = False
            # Nothing is open where SQLAlchemy has come to an end, whatever that was.
            _roll_back(connection, driver)
        _leave_to_driver(connection, driver)


def _roll_back(connection: Connection, driver: Any) -> None:
    """End what is open at the server without a trace, or throw the connection away."""
    if driver.closed or driver.info.transaction_status == TRANSACTION_STATUS_IDLE:
        return
    with _thrown_away_if_lost(connection, driver), driver.cursor() as cursor:
        cursor.execute("ROLLBACK")


def one_statement(
    connection: Connection, settings: str, statement: str, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """What a statement finds that is a transaction by itself, under these settings.

    The server takes one text for one transaction, so it is one round trip.
    """
    driver = _driver(connection)
    with _bare_faults_wrapped(connection):
        driver.autocommit = True
    try:
        return _send(connection, f"{settings}; {statement}", parameters)
    finally:
        _leave_to_driver(connection, driver)


def _leave_to_driver(connection: Connection, driver: Any) -> None:
    """Have the driver begin and end transactions again, or throw the connection away.

    What was done is done by then: that the connection is lost now is nobody's fault.
    """
    if not driver.closed:
        with _thrown_away_if_lost(connection, driver):
            driver.autocommit = False


@contextmanager
def _thrown_away_if_lost(connection: Connection, driver: Any) -> Iterator[None]:
    """What goes wrong here costs the connection and nobody's work."""
    try:
        yield
    except psycopg2.Error as fault:
        driver.close()
        connection.invalidate(fault)


def copy(connection: Connection, table: str, columns: Sequence[str], lines: bytes) -> None:
    """Insert rows that are written out as the text that COPY reads, before the next statement.

    What answers nothing, and the commit, is sent with it. Within a savepoint it is sent now, since
    its faults belong there. What it raises is raised where it is sent, as DBAPIError.

    As text: the binary format saves the client a few microseconds a row at most, and the database
    nothing (measured), but asks for the exact type of each column, which a newer revision may
    have widened.
    """
    info = connection.info
    if info.get(LINES):
        flush(connection)
    told = f"COPY {table} ({', '.join(columns)}) FROM STDIN (ENCODING 'UTF8')"
    info.setdefault(WAITING, []).append(told.encode())
    info[LINES] = (table, lines)
    if connection.in_nested_transaction() or not connection.in_transaction():
        flush(connection)


def _copy(connection: Connection, text: bytes, table: str, lines: bytes, *, ends: bool) -> None:
    """Send a text of which one statement is COPY; `ends` where its last is COMMIT."""
    driver = _driver(connection)
    with driver.cursor() as cursor:
        try:
            cursor.copy_expert(text, io.BytesIO(lines), COPY_PIECE)
        except Exception as fault:
            _raise(connection, f"COPY {table}", fault)
            raise
    if ends and driver.info.transaction_status != TRANSACTION_STATUS_IDLE:
        # The driver has thrown the answers away, and only says what raised an error.
        unconfirmed = psycopg2.OperationalError("the commit behind COPY was not confirmed")
        _raise(connection, f"COPY {table}", unconfirmed)


def _send(
    connection: Connection, statement: str | bytes, parameters: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    with _driver(connection).cursor() as cursor:
        try:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []
        except (psycopg2.Error, SystemError) as fault:
            _raise(connection, statement if isinstance(statement, str) else "", fault)
            raise


@contextmanager
def _bare_faults_wrapped(connection: Connection) -> Iterator[None]:
    """What the driver raises outside of any statement is raised as DBAPIError, too.

    A connection that was lost says so first where it is given a setting, or asked for a cursor.
    """
    try:
        yield
    except (psycopg2.Error, SystemError) as fault:
        _raise(connection, "", fault)
        raise


def _raise(connection: Connection, statement: str, fault: Exception) -> None:
    """Raise a driver's fault as SQLAlchemy does; does nothing where it is none."""
    if isinstance(fault, SystemError) and isinstance(fault.__cause__, psycopg2.Error):
        # A connection that is lost within COPY has psycopg2 2.9 raise a second error over its own,
        # which the interpreter turns into this.
        fault = fault.__cause__
    if not isinstance(fault, psycopg2.Error):
        return
    dialect, is_lost = connection.dialect, connection.invalidated
    if not is_lost:
        driver = connection.connection.dbapi_connection
        is_lost = dialect.is_disconnect(fault, driver, None)  # type: ignore[arg-type]  # the driver's
        if is_lost:
            connection.invalidate(fault)
    raise DBAPIError.instance(
        statement, None, fault, psycopg2.Error, hide_parameters=True,
        connection_invalidated=is_lost, dialect=dialect,
    ) from fault  # fmt: skip


def _driver(connection: Connection) -> Any:
    """The driver's connection behind SQLAlchemy's."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (a checked-out connection has one)
    return driver
