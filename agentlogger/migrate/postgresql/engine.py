"""How a migration is connected to PostgreSQL, and how long its statements may wait.

Behind a pooler in transaction mode a session's settings would stay on a connection that the pooler
then gives to somebody else, so there every setting is SET LOCAL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.postgresql import vacuums

CONTEXT_ARGUMENTS: Mapping[str, Any] = {"transaction_per_migration": True}

NEEDS_AUTOCOMMIT = True
"""CREATE INDEX CONCURRENTLY and ALTER TYPE ... ADD VALUE run in no transaction."""

APPLICATION_NAME = "agentlogger-migrate"

READING_NAME = f"{APPLICATION_NAME} (reading)"

CHECK_INTERVAL = "1s"
"""How soon a server notices that its client was killed, and gives its locks back; PostgreSQL 14."""

CHECK_INTERVAL_SINCE = 140000

TRANSACTION_TIMEOUT_SINCE = 170000
"""From then on a role can bound whole transactions: a migration's, and that of its lock."""

GENTLE = re.compile(r"\bCONCURRENTLY\b|\bVALIDATE\s+CONSTRAINT\b", re.IGNORECASE)
"""What takes no lock that anybody waits for, but waits itself for every older transaction: a
timeout here would leave an INVALID index and protect nobody (strong_migrations#233)."""

OWN_TIMEOUT = re.compile(r"^SET LOCAL lock_timeout = '\d+'; ")
"""What a verb puts before its statement, where a pooler stands between."""

PASSING = {"55P03", "40P01", "40001"}
"""lock_not_available, deadlock_detected, serialization_failure."""


def make_engine(url: URL, *, writes: bool, name: str = "") -> Engine:
    """An engine whose sessions say in pg_stat_activity what they are, and wait as they are told."""
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "application_name": name or (APPLICATION_NAME if writes else READING_NAME),
            "connect_timeout": 10,
        },
    )
    if writes:
        event.listen(engine, "connect", _settle)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "before_cursor_execute", _adjust)
    return engine


def is_pooled(dbapi_connection: Any) -> bool:
    """Whether something stands between: a pooler gives its clients a cancel key of its own.

    libpq's number of the server process comes with that key, the server's own answer does not.
    """
    with dbapi_connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    return bool(pid != dbapi_connection.info.backend_pid)


def _session_settings(server_version: int) -> dict[str, str]:
    settings = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
    if server_version >= CHECK_INTERVAL_SINCE:
        settings["client_connection_check_interval"] = CHECK_INTERVAL
    if server_version >= TRANSACTION_TIMEOUT_SINCE:
        settings["transaction_timeout"] = "0"
    return settings


def _settle(dbapi_connection: Any, record: Any) -> None:
    """Undo what a role or a database has set for its other sessions."""
    dbapi_connection.autocommit = True
    record.info["pooled"] = is_pooled(dbapi_connection)
    settings = _session_settings(dbapi_connection.info.server_version)
    record.info["settings"] = settings
    record.info["lock_timeout"] = 0.0
    if not record.info["pooled"]:
        with dbapi_connection.cursor() as cursor:
            for name, value in settings.items():
                cursor.execute(f"SET {name} = '{value}'")
    dbapi_connection.autocommit = False


def bound(connection: Connection, *, lock_timeout: float, statement_timeout: float) -> None:
    """Let no statement of the next transactions wait longer than this, in seconds; 0 is ever."""
    connection.info["lock_timeout"] = lock_timeout
    connection.info["settings"]["statement_timeout"] = str(round(statement_timeout * 1000))


def _begin(connection: Connection) -> None:
    info = connection.info
    info["now"] = {}
    info["holds"] = False
    if _in_autocommit(connection):
        return
    for name, value in info["settings"].items():
        connection.exec_driver_sql(f"SET LOCAL {name} = '{value}'")


def _adjust(
    connection: Connection, cursor: Any, statement: str, _values: Any, _context: Any, _many: bool
) -> None:
    """Set the timeouts that this very statement needs, and let whatever vacuums go first."""
    own = OWN_TIMEOUT.sub("", statement)
    is_alone = _in_autocommit(connection)
    if vacuums.asks_for_more(own):
        _wait_for_vacuums(connection, cursor, own, is_alone=is_alone)
    if not statement.startswith("SET LOCAL"):
        _set_timeouts(connection.info, cursor, statement, is_alone=is_alone)


def _wait_for_vacuums(
    connection: Connection, cursor: Any, statement: str, *, is_alone: bool
) -> None:
    info = connection.info
    tables, patience = vacuums.in_the_way(cursor, statement)
    if tables:
        if info.get("holds") and not is_alone:
            # Locks that are held already have others wait.
            patience = min(patience, info["lock_timeout"] or patience)
        info.get("now", {}).pop("lock_timeout", None)
        vacuums.wait_gently(cursor, tables, seconds=patience)
    info["holds"] = True


def _set_timeouts(info: Any, cursor: Any, statement: str, *, is_alone: bool) -> None:
    """Set the timeouts that this very statement needs, where they are not those in force."""
    lock_timeout = 0.0 if GENTLE.search(statement) else info["lock_timeout"]
    wanted = {"lock_timeout": str(round(lock_timeout * 1000))}
    scope = "LOCAL"
    if is_alone:
        if info["pooled"]:
            return
        scope = "SESSION"
        wanted["statement_timeout"] = info["settings"]["statement_timeout"]
    now = info.setdefault("now", {})
    for name, value in wanted.items():
        if now.get(name) != value:
            cursor.execute(f"SET {scope} {name} = '{value}'")
            now[name] = value


def _in_autocommit(connection: Connection) -> bool:
    raw = connection.connection.dbapi_connection
    return bool(getattr(raw, "autocommit", False))


def is_passing(fault: BaseException) -> bool:
    """Whether a step that failed with this may succeed when it is tried again."""
    return isinstance(fault, DBAPIError) and getattr(fault.orig, "pgcode", None) in PASSING
