"""What PostgreSQL does its own way: COPY, and partitions by day."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    TableValuedAlias,
    Text,
    column,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import DBAPIError

from agentlogger.limits import PARTITION_DAYS_AHEAD, PARTITION_DAYS_BEHIND
from agentlogger.models.database import db
from agentlogger.store import json_text
from agentlogger.store import written as written_rows
from agentlogger.store.clock import DAY_NS, day_of, now_ns
from agentlogger.store.postgresql import (
    arrays,
    new_rows,
    notifications,
    ordered_sets,
    pruning,
    round_trips,
    timeouts,
    xids,
)
from agentlogger.store.postgresql.watchdog import Watchdog
from agentlogger.store.written import Written

serialize, deserialize = json_text.serialize, json_text.deserialize
announce, seen = xids.announce, xids.seen
see_one_moment = round_trips.see_one_moment
bound, ran_out_of_time = timeouts.bound, timeouts.ran_out_of_time
fetched, later = round_trips.fetched, round_trips.later
listen = notifications.listen
OTHERS_CAN_BE_TOLD = ROWS_ARE_LOCKED = True
STRAYS = arrays.STRAYS

POOL = 8
"""Connections a worker: inserts are short, and four workers must stay well under the 100 that a
stock server allows."""

CONNECT_SECONDS = 4
"""How long a connection may take to be made, for the same reason as below."""

LOCK_WAIT_MILLISECONDS = 4_000
"""How long to wait for a lock, a migration's for example. An OTLP client gives up after 10 s in
total, and must hear the 503 before that."""

GROUP_LOCK_WAIT_MILLISECONDS = 250
"""The same for requests that share a transaction. One that comes again while its first try is not
committed waits for that one, and the others have no part in it: each is then stored alone."""

BOUNDS = f"SET LOCAL lock_timeout = '{LOCK_WAIT_MILLISECONDS}ms'; SET LOCAL jit = off".encode()

PARTITION_WAIT_MILLISECONDS = 1_000
"""The same for the making of a partition: a request may make several, and can do without."""

UNDEFINED = {"42P01", "42703"}
"""SQLSTATE of an undefined table and an undefined column."""

CHECK_VIOLATION = "23514"
"""SQLSTATE of a row that fits no partition; the tables have no CHECK of their own."""

QUICKLY = "agentlogger_compresses_quickly"
CAN_COMPRESS_QUICKLY = (
    "SELECT 'lz4' = ANY (enumvals) FROM pg_catalog.pg_settings"
    " WHERE name = 'default_toast_compression'"
)
"""Whether the server was built with LZ4. With it COPY of spans of 2 KB takes 30 µs a row, where it
takes 52 with PostgreSQL's own compression, for a tenth more of disk (measured)."""

PREFIX = "log_records_"
CALLS_NAME = "model_calls"
TEXT_NAMES = ("text_windows", "text_slices")
STRAYS_NAME = f"{PREFIX}strays"
EPOCH = date(1970, 1, 1).toordinal()

ASK_AGAIN_SECONDS = 10
"""How long a partition that could not be made is left alone: each try may wait for a lock."""

DAILY_PARTITIONS = text(
    "SELECT c.relname FROM pg_catalog.pg_inherits i"
    " JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = to_regclass('log_records') AND c.relname ~ '^log_records_[0-9]{8}$'"
)


DEAD = (
    "The space of replaced rows is free, and not overwritten yet: until other rows take it, the "
    "files of the touched partitions still hold what was there. `agentlogger scrub --rewrite` "
    "writes those partitions anew, and locks each meanwhile."
)
COPIES = (
    "The write-ahead log and its archive, replicas until they have followed, and backups that were "
    "made before still hold what was replaced, for as long as you keep them."
)


@dataclass(frozen=True)
class Places:
    """Which days have a partition: as of when, and until when that is believed."""

    days: set[int]
    made_for: int
    stale: float


_places: dict[str, Places] = {}
_making = threading.Lock()
_watchdogs: WeakKeyDictionary[Engine, Watchdog] = WeakKeyDictionary()
log = logging.getLogger(__name__)


def engine_options(url: URL, threads: int) -> dict[str, Any]:
    """A pool smaller than the threads: who waits 5 s for a connection is told to come again.

    What the address itself says about the connection wins over what we would say.
    """
    ours = {
        "application_name": "agentlogger",
        "connect_timeout": CONNECT_SECONDS,
        "client_encoding": "utf8",
        # A server whose machine is gone says nothing; the system then ends the connection.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": 8_000,
    }
    return {
        "pool_size": min(threads, POOL),
        "max_overflow": 2,
        "pool_timeout": 5,
        # What came back last goes out first: its process at the server has all in its caches.
        "pool_use_lifo": True,
        "connect_args": {name: value for name, value in ours.items() if name not in url.query},
    }


def prepare(engine: Engine) -> None:
    """Bound every wait, for a lock and for a server that hangs, and have texts compressed quickly.

    An answer that comes after the client has given up is a duplicate in the making: it sends again
    what was stored meanwhile. The settings are the transaction's, so that none stays on a
    connection that a pooler gives to somebody else.
    """
    _watchdogs[engine] = Watchdog(engine)
    round_trips.bound(engine, _settings)


def _settings(connection: Connection) -> bytes:
    quickly = b"; SET LOCAL default_toast_compression = 'lz4'"
    return BOUNDS + quickly if _can_compress_quickly(connection) else BOUNDS


def _can_compress_quickly(connection: Connection) -> bool:
    """Asked once of each connection, in its first transaction: the watchdog watches that one."""
    info = connection.info
    if QUICKLY not in info:
        ((info[QUICKLY],),) = round_trips.fetched(connection, CAN_COMPRESS_QUICKLY)
    return bool(info[QUICKLY])


def refuse_while_it_hangs(engine: Engine) -> None:
    """Raises DatabaseUnavailable where the server is known not to answer."""
    watchdog = _watchdogs.get(engine)
    if watchdog is not None:
        watchdog.refuse_while_it_hangs()


@contextmanager
def writer(engine: Engine) -> Iterator[Connection]:
    """Any connection, in a transaction that writes: PostgreSQL takes many writers."""
    with engine.connect() as connection, round_trips.writing(connection):
        yield connection


def wait_briefly(connection: Connection) -> None:
    """Bound the waits of this transaction for locks more closely."""
    later(connection, f"SET LOCAL lock_timeout = '{GROUP_LOCK_WAIT_MILLISECONDS}ms'")


def one_statement(connection: Connection, statement: str, *parameters: Any) -> list[Any]:
    """What a statement finds that is a transaction by itself, bounded as any other."""
    return round_trips.one_statement(connection, BOUNDS.decode(), statement, parameters)


def tell_others(engine: Engine) -> None:
    """Wake whoever listens, bounded as any other statement."""
    notifications.tell_others(engine, BOUNDS.decode())


def clock() -> ColumnElement[int]:
    """The server's clock now; that of `now()` stands still from the transaction's beginning."""
    micros = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
    return literal_column(f"({micros} * 1000)", BigInteger)


def lacks_a_table(fault: DBAPIError) -> bool:
    """Whether PostgreSQL says that a table or column is missing."""
    return getattr(fault.orig, "pgcode", None) in UNDEFINED


def place(days: Collection[int]) -> set[int]:
    """The days that have a partition; those around today are given one.

    A client's times make no other partition, so they cannot make the schema grow.
    """
    url = db.engine.url.render_as_string()
    today = day_of(now_ns())
    wanted = range(today - PARTITION_DAYS_BEHIND, today + PARTITION_DAYS_AHEAD + 1)
    places = _places.get(url)
    if (
        places is None
        or today not in places.days
        or not places.days.issuperset(day for day in days if day in wanted)
    ):
        with _making:
            places = _places.get(url)
            if places is None or places.made_for != today or time.monotonic() > places.stale:
                places = _places[url] = _make_places(wanted, today)
    return places.days.intersection(days)


def misplaced(fault: DBAPIError) -> bool:
    """Whether a partition that was there is gone; the next `place` asks the database again."""
    gone = getattr(fault.orig, "pgcode", None) == CHECK_VIOLATION
    if gone:
        _places.pop(db.engine.url.render_as_string(), None)
    return gone


def _make_places(days: range, today: int) -> Places:
    """Make what is missing of these days' partitions; return all days that have one.

    Each is made as a table and then attached: that takes SHARE UPDATE EXCLUSIVE on the parent,
    where `CREATE TABLE ... PARTITION OF` would lock out every reader and writer. A partition that
    cannot be made, during a migration or for want of rights, is tried again a little later; its
    records are stored among the strays meanwhile.
    """
    with db.engine.connect() as connection:
        for day in days:
            try:
                with connection.begin():
                    _make_partition(connection, day)
            except DBAPIError as fault:
                if fault.connection_invalidated or lacks_a_table(fault):
                    raise
                log.warning("The partition of day %s is not made: %s", day, fault.orig)
        return Places(_partitions(connection), today, time.monotonic() + ASK_AGAIN_SECONDS)


def _make_partition(connection: Connection, day: int) -> None:
    """Make one day's partition, unless it is there; the lock has a server's workers take turns."""
    if day in _partitions(connection):
        return
    connection.execute(text(f"SET LOCAL lock_timeout = '{PARTITION_WAIT_MILLISECONDS}ms'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('agentlogger.partitions'))"))
    if day in _partitions(connection):
        return
    name, start = _name(day), day * DAY_NS
    connection.execute(text(f"CREATE TABLE {name} (LIKE log_records INCLUDING ALL)"))
    connection.execute(
        text(
            f"ALTER TABLE log_records ATTACH PARTITION {name}"
            f" FOR VALUES FROM (0, {start}) TO (0, {start + DAY_NS})"
        )
    )


def _name(day: int) -> str:
    """The partition of a day since 1970."""
    return f"{PREFIX}{date.fromordinal(EPOCH + day):%Y%m%d}"


def _partitions(connection: Connection) -> set[int]:
    """The days that have a partition, as the catalogue says."""
    names = connection.execute(DAILY_PARTITIONS).scalars()
    return {
        datetime.strptime(name.removeprefix(PREFIX), "%Y%m%d").date().toordinal() - EPOCH  # noqa: DTZ007
        for name in names
    }


def cut(column: ColumnElement[Any], *, longer_than: int, to: int) -> ColumnElement[Any]:
    """Of a column that is longer: the length and the beginning of its text, in characters.

    A JSON text counts as its characters: a cast to text would write it anew, which takes eight
    times as long. OFFSET has it fetched and inflated once, and not for each use (both measured).
    """
    return literal_column(
        f"(SELECT jsonb_build_array(length(whole), left(whole, {to:d}))"  # noqa: S608  (our names)
        f" FROM (SELECT {column} #>> '{{}}' AS whole OFFSET 0) AS fetched"
        f" WHERE length(whole) > {longer_than:d})",
        column.type,
    )


def shown(beginning: str) -> str:
    """PostgreSQL has taken the quotes off."""
    return beginning


def text_under(json: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """What stands under a name, as text."""
    return json.op("->>", return_type=Text())(name)


def members(json: ColumnElement[Any]) -> TableValuedAlias:
    """The members of a list."""
    return func.jsonb_array_elements(json).table_valued(column("value", JSONB()))


def delete_securely(connection: Connection) -> None:
    """Nothing: PostgreSQL keeps what was replaced until its tables are vacuumed."""
    del connection


def erase(engine: Engine, days: set[tuple[int, int]] | None, *, rewrite: bool) -> list[str]:
    """Vacuum the partitions of these days; with `rewrite`, write them anew.

    VACUUM makes the space of replaced rows free to be used again and overwrites nothing: only
    VACUUM FULL gives the old file away, and locks the partition meanwhile.
    """
    with engine.connect() as connection:
        daily = _partitions(connection)
    touched = {(1, 0), *((0, day) for day in daily)} if days is None else days
    # A call keeps words of its records, such as the session; the index, which letters they have.
    names = sorted(
        {
            CALLS_NAME,
            *TEXT_NAMES,
            *(
                STRAYS_NAME if stray else _name(day)
                for stray, day in touched
                if stray or day in daily
            ),
        }
    )
    raw = engine.raw_connection()
    try:
        driver = raw.driver_connection
        assert driver is not None  # noqa: S101  (a checked-out connection has one)
        driver.rollback()
        driver.autocommit = True
        with driver.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_WAIT_MILLISECONDS}ms'")
            for name in names:
                cursor.execute(f"VACUUM {'(FULL)' if rewrite else ''} {name}")
    finally:
        # It has another mode now, and is not given to anybody else.
        raw.invalidate()
        raw.close()
    return ([] if rewrite else [DEAD]) + [COPIES]


insert_statement = pg_insert
insert_new = new_rows.insert_new
replace = arrays.replace
key_rows = arrays.key_rows
key_parameters = arrays.key_parameters
by_keys = arrays.by_keys
only_days = arrays.only_days
days, near = pruning.days, pruning.near
ranked, percentiles = ordered_sets.ranked, ordered_sets.percentiles


written = written_rows.lines


def insert(connection: Connection, table: str, written: Written) -> None:
    """Insert rows by COPY, which costs the database half of what INSERT does."""
    round_trips.copy(connection, table, written.columns, b"\n".join([*written.rows, b""]))
