"""What SQLite does its own way: one writer, real transactions, one sync for each commit."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import orjson
from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    case,
    column,
    event,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import Pool

from agentlogger.errors import DatabaseUnavailable
from agentlogger.store import json_text
from agentlogger.store import written as written_rows
from agentlogger.store.backend import Days
from agentlogger.store.clock import now_ns
from agentlogger.store.positions import Position
from agentlogger.store.sqlite import interrupts, kept_statements, ranks, turns, value_lists
from agentlogger.store.written import Written

bound = interrupts.bound
ran_out_of_time = interrupts.ran_out_of_time
serialize = json_text.serialize
deserialize = json_text.deserialize
fetched, later = kept_statements.fetched, kept_statements.later
one_statement = kept_statements.one_statement
ranked = ranks.ranked
percentiles = ranks.percentiles

BUSY_MILLISECONDS = 4_000
"""How long to wait for another process's write, an upgrade's for example. An OTLP client gives up
after 10 s in total, and must hear the 503 before that."""

WAL_PAGES = 8_000
"""Pages of 4 KB after which a commit copies them into the file. Digests touch leaves all over their
indexes, so 512 records write about as many pages as SQLite's own 1,000: nearly each commit paid for
a copy and a second sync, of pages that the next commit changed again. With 32 MB a record takes 10
µs of the processor less, and twice that of time; a larger page cache spares nothing (measured)."""

ROWS_ARE_LOCKED = False
"""One writes at a time: who waits for that keeps nobody from anything."""

OTHERS_CAN_BE_TOLD = False
"""A file tells nobody: who waits for another process's commit looks by itself."""

STRAYS = (0,)
"""The values of `stray` to read: without partitions no record is one."""

ERASE_TRIES = 5
ERASE_PAUSE_SECONDS = 1.0

COPIES = (
    "Copies that were made before still hold what was replaced: backups, snapshots from before "
    "migrations, and what the file system keeps by itself."
)

_turn = threading.Lock()
_writers: WeakKeyDictionary[Engine, Pool] = WeakKeyDictionary()
"""For each engine, a pool of the one connection that writes."""


def engine_options(url: URL, threads: int) -> dict[str, Any]:
    """A connection for each thread: a SQLite connection is a file handle and some memory."""
    del url
    return {
        "pool_size": threads,
        "max_overflow": 4,
        "pool_timeout": 5,
        "connect_args": {"check_same_thread": False},
    }


def prepare(engine: Engine) -> None:
    """Let transactions begin where we say, and be synced when they end."""

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, too late and of the wrong kind.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            # NORMAL would answer before the sync: eight syncs for 500 commits, measured.
            "synchronous=FULL",
            f"wal_autocheckpoint={WAL_PAGES}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader's snapshot cannot become a writer's: with a plain BEGIN 290 of 400 transactions
        # that read before they wrote failed at once, whatever the timeout; with this, none.
        writes = connection.get_execution_options().get("agentlogger_writes")
        kept_statements.execute(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")

    @event.listens_for(engine, "engine_disposed")
    def _end(engine: Engine) -> None:
        _writers[engine].dispose()

    _writers[engine] = engine.pool.recreate()


def refuse_while_it_hangs(engine: Engine) -> None:
    """Never: a file does not hang."""
    del engine


@contextmanager
def writer(engine: Engine) -> Iterator[Connection]:
    """The connection that writes, in a transaction, when it is this thread's turn.

    The threads of all workers write in turn, instead of polling the file's lock. The waits for the
    turn and for another program's lock share one deadline: else each of many waiters would begin
    its own when it comes to its turn, long after its client has gone. Raises DatabaseUnavailable.

    All of a worker's writes go over one connection: each has a cache of pages of its own, and
    drops it whenever another one has written.
    """
    deadline = time.monotonic() + BUSY_MILLISECONDS / 1000
    if not _turn.acquire(timeout=BUSY_MILLISECONDS / 1000):
        raise turns.too_busy()
    try:
        with (
            turns.turn(str(engine.url.database), deadline),
            Connection(engine, _writers[engine].connect()) as connection,
        ):
            left = max(1, int((deadline - time.monotonic()) * 1000))
            driver = connection.connection.driver_connection
            assert driver is not None  # noqa: S101  (a checked-out connection has one)
            driver.execute(f"PRAGMA busy_timeout={left}")
            connection.execution_options(agentlogger_writes=True)
            with connection.begin():
                yield connection
            driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    finally:
        _turn.release()


def wait_briefly(connection: Connection) -> None:
    """Nothing: whoever has its turn to write has waited, and there is no other lock."""
    del connection


def clock() -> ColumnElement[int]:
    """This machine's clock: all that write to a file are on one."""
    return literal(now_ns(), BigInteger)


def lacks_a_table(fault: DBAPIError) -> bool:
    """Whether SQLite says that a table or column is missing; it has no code for it."""
    return str(fault.orig).startswith(("no such table", "no such column")) or (
        " has no column named " in str(fault.orig)
    )


def place(days: Collection[int]) -> set[int]:
    """All of them: one table holds every day."""
    return set(days)


def misplaced(fault: DBAPIError) -> bool:  # noqa: ARG001  (the protocol's)
    """Never: there are no partitions."""
    return False


def cut(column: ColumnElement[Any], *, longer_than: int, to: int) -> ColumnElement[Any]:
    """The same of JSON as it is stored: SQLite's own functions would parse all of it."""
    text = type_coerce(column, Text())
    length = func.length(text)
    found = func.json_array(length, func.substr(text, 1, to), type_=column.type)
    return case((length > longer_than, found))


def shown(beginning: str) -> str:
    """The characters of a JSON text that was cut, maybe within an escape of up to six of them."""
    if not beginning.startswith('"'):
        return beginning
    for end in range(len(beginning), 0, -1):
        with suppress(orjson.JSONDecodeError):
            text: str = orjson.loads(f'{beginning[:end]}"')
            return text
    return ""


def text_under(json: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """What stands under a name, as text. The name is ours, and has no quote in it."""
    return func.json_extract(type_coerce(json, Text()), f'$."{name}"', type_=Text())


def members(json: ColumnElement[Any]) -> TableValuedAlias:
    """The members of a list, an object among them as its text."""
    return func.json_each(type_coerce(json, Text())).table_valued(column("value", Text()))


def delete_securely(connection: Connection) -> None:
    """Have SQLite overwrite with zeros what it frees."""
    connection.exec_driver_sql("PRAGMA secure_delete=ON")


def erase(engine: Engine, days: set[tuple[int, int]] | None, *, rewrite: bool) -> list[str]:  # noqa: ARG001  (the protocol's)
    """Write the file anew and empty the WAL: pages that were freed before keep what they held.

    Raises DatabaseUnavailable where other programs keep the file busy for too long.
    """
    raw = engine.raw_connection()
    try:
        driver = raw.driver_connection
        assert driver is not None  # noqa: S101  (a checked-out connection has one)
        for _ in range(ERASE_TRIES):
            try:
                driver.execute("VACUUM")
                busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError:
                busy = 1
            if not busy:
                return [COPIES]
            time.sleep(ERASE_PAUSE_SECONDS)
    finally:
        raw.close()
    raise DatabaseUnavailable(
        "The records are redacted, and what they held is still in the file or its WAL, since other "
        "programs keep it busy: run the same again, with --after as told, when there is less to do."
    )


def tell_others(engine: Engine) -> None:
    """Nothing."""
    del engine


def listen(engine: Engine, heard: Callable[[], None], deaf: threading.Event) -> None:
    """Nothing is heard."""
    del engine, heard, deaf


def key_rows() -> FromClause:
    """Keys as rows, of one JSON text: one statement for any number of them."""
    found = func.json_each(bindparam("keys")).table_valued(column("value"))
    rows = select(
        func.json_extract(found.c.value, "$[0]", type_=BigInteger).label("ts_ns"),
        func.json_extract(found.c.value, "$[1]", type_=BigInteger).label("id"),
    )
    return rows.subquery("asked")


def key_parameters(keys: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """What such a statement is sent with."""
    return {"keys": orjson.dumps(keys).decode()}


def by_keys(chosen: Select[Any], table: Table) -> Select[Any]:
    """What is chosen of the records with some keys.

    By IN, which looks for each key. A join reads all of a project, or all that lies between the
    first key and the last, and looks through the keys for each record, as long as the table was
    never analysed: two seconds for two keys a month apart (measured, 3.40).
    """
    asked = key_rows().c
    these = tuple_(table.c.ts_ns, table.c.id).in_(select(asked.ts_ns, asked.id))
    return chosen.where(these, table.c.stray == 0)


def only_days(column: ColumnElement[int], least: int, most: int) -> list[Any]:
    """Nothing: SQLite may take it for a reason to read all that lies between (seen in 3.40)."""
    del column, least, most
    return []


def days(from_ns: int | None, to_ns: int | None, *, newest_first: bool) -> Iterator[Days]:
    """All at once: one table holds every day, and one index walks them in either direction."""
    del newest_first
    yield Days(from_ns, to_ns, is_near=False)


def near(chosen: Select[Any], table: Table, days: Days, limit: int) -> Select[Any]:
    """The same as of any days: there is nothing to leave unopened."""
    del table, days
    return chosen.limit(limit)


insert_statement = sqlite_insert


insert_new, replace, insert = value_lists.insert_new, value_lists.replace, value_lists.insert
written = written_rows.texts


def announce(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, each with a number before it that rises with each transaction.

    It is the time, so that it rises also where no row is left, and in a file that was put back.
    """
    number = max(now_ns(), _newest(connection, table) + 1)
    announced = [(0, number, *row) for row in rows]
    insert(connection, table.name, Written(table.columns.keys(), announced))


def see_one_moment(connection: Connection) -> None:
    """Nothing: that is what each transaction does."""
    del connection


def seen(connection: Connection, table: Table) -> Position:
    """What this transaction sees. One writes at a time, so that what commits later is above."""
    return Position(0, now_ns(), _newest(connection, table) + 1)


def _newest(connection: Connection, table: Table) -> int:
    newest = f"SELECT max(number) FROM {table.name} WHERE origin = 0"  # noqa: S608  (our name)
    ((number,),) = fetched(connection, newest)
    return number or 0
