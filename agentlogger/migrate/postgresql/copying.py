"""A copy of a PostgreSQL database to rehearse on, on the same server, dropped afterwards.

Where nobody is connected the server clones the database's files (321 MB in 0.5 s, measured). A
live one is read by pg_dump as of one moment, straight into pg_restore: no file of it is written.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import NoCopy, Unreachable, first_line
from agentlogger.migrate.options import Options
from agentlogger.migrate.postgresql import clients
from agentlogger.migrate.rehearsal.copies import Copy

PREFIX = "migration_rehearsal_"
KEPT = "migration_rehearsed_"

ENTRANCES = ("postgres", "template1")
"""Databases to give the orders from: one that is being cloned may have no session."""

FILE_COPY_SINCE = 150000
"""From then on CREATE DATABASE writes a clone to the WAL unless it is told to copy files."""

IN_USE = "55006"
NO_RIGHT = "42501"

LISTS = frozenset({"search_path", "temp_tablespaces", "local_preload_libraries",
                   "session_preload_libraries"})  # fmt: skip
"""Settings whose value is a list of names, which in quotes would be one name."""

FACTS = text(
    "SELECT current_setting('server_version_num')::int AS version, d.oid,"
    " current_setting('server_version_num')::int / 10000 AS major,"
    " pg_database_size(d.oid) AS size, pg_encoding_to_char(d.encoding) AS encoding,"
    " to_jsonb(d) AS row, (SELECT setconfig FROM pg_catalog.pg_db_role_setting"
    "  WHERE setdatabase = d.oid AND setrole = 0) AS settings,"
    " (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid"
    "  AND a.pid <> pg_backend_pid()) AS sessions"
    " FROM pg_catalog.pg_database d WHERE d.datname = :name"
)

ABANDONED = text(
    "SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname LIKE :pattern"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a"
    "  WHERE a.application_name = d.datname OR a.datid = d.oid)"
)

IDENTITY = text(
    "SELECT pg_postmaster_start_time()::text, d.oid, (SELECT count(*)"
    "  FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid AND a.pid <> pg_backend_pid()),"
    " pg_database_size(d.oid) FROM pg_catalog.pg_database d WHERE d.datname = current_database()"
)
"""No two databases of any servers have the same of both, by whatever name they are reached."""


@contextmanager
def copy(url: URL, options: Options, *, keep: bool) -> Iterator[Copy]:
    """A copy beside the database; one that is kept gets another name. Raises NoCopy.

    The role needs CREATEDB. A server that connects while the files are cloned waits.
    """
    name = PREFIX + secrets.token_hex(6)
    kept = KEPT + name.removeprefix(PREFIX) if keep else ""
    # Its session says that the rehearsal lives: nobody else drops the copy.
    engine = _engine(_entrance(url), name)
    try:
        with engine.connect() as orders:
            _drop_abandoned(orders)
            began = time.monotonic()
            facts = orders.execute(FACTS, {"name": url.database}).one()
            notes = _room(url, orders, facts.size)
            try:
                how = _copied(url, orders, facts, name, options)
                seconds = time.monotonic() - began
                yield Copy(
                    url.set(database=name), how, seconds, int(facts.size), tuple(notes), kept
                )
                if keep:
                    orders.execute(text(f'ALTER DATABASE "{name}" RENAME TO "{kept}"'))
            finally:
                orders.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    finally:
        engine.dispose()


@contextmanager
def borrow(url: URL, given: URL) -> Iterator[Copy]:
    """Another database as it is. Raises NoCopy where it is this one, or anybody is connected."""
    given = given.set(drivername=url.drivername)
    engine = _engine(given, "agentlogger-migrate")
    try:
        with engine.connect() as connection:
            there = connection.execute(IDENTITY).one()
    except DBAPIError as fault:
        raise NoCopy(
            f"Nothing answers at {given.render_as_string(hide_password=True)} "
            f"({first_line(fault)}), so nothing was rehearsed: make the copy first, or correct "
            "--on."
        ) from None
    finally:
        engine.dispose()
    if tuple(there)[:2] == _identity(url):
        raise NoCopy(
            f"--on names {given.database}, the database itself, and a rehearsal takes revisions "
            "back: name a copy of it, or leave --on out and one is made."
        )
    if there[2]:
        sessions = "1 other session is" if there[2] == 1 else f"{there[2]} other sessions are"
        raise NoCopy(
            f"{sessions} connected to {given.database}, so it is no copy to rehearse on: close "
            "them, or leave --on out and a copy is made."
        )
    yield Copy(given, f"{given.database}, as --on names it", 0.0, int(there[3]))


def _identity(url: URL) -> tuple[Any, ...] | None:
    """None where nothing answers: what is not there cannot be damaged."""
    engine = _engine(url, "agentlogger-migrate (reading)")
    try:
        with engine.connect() as connection:
            return tuple(connection.execute(IDENTITY).one())[:2]
    except DBAPIError:
        return None
    finally:
        engine.dispose()


def _engine(url: URL, name: str) -> Engine:
    return create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"application_name": name, "connect_timeout": 10},
    )


def _entrance(url: URL) -> URL:
    """Another database of the server that this role may connect to. Raises Unreachable, NoCopy."""
    fault: DBAPIError | None = None
    for name in ENTRANCES:
        engine = _engine(url.set(database=name), "agentlogger-migrate")
        try:
            with engine.connect() as connection:
                found = connection.execute(
                    text("SELECT 1 FROM pg_catalog.pg_database WHERE datname = :name"),
                    {"name": url.database},
                ).scalar()
        except DBAPIError as error:
            fault = error
            continue
        finally:
            engine.dispose()
        if found is None:
            raise Unreachable(
                f"There is no database {url.database} on this server: make it and run `flask db "
                "upgrade`, or correct DATABASE_URL."
            )
        return url.set(database=name)
    assert fault is not None  # noqa: S101  (every entrance has failed)
    raise NoCopy(
        f"Neither {' nor '.join(ENTRANCES)} of this server can be connected to "
        f"({first_line(fault)}), so no copy can be ordered: start the server, let the role "
        "connect, or name a copy with --on URL."
    )


def _drop_abandoned(orders: Connection) -> None:
    """Drop the copies of rehearsals that were killed: neither has a session that says it lives."""
    pattern = PREFIX.replace("_", r"\_") + "%"
    for name in orders.execute(ABANDONED, {"pattern": pattern}).scalars().all():
        with suppress(DBAPIError):
            # Another role's: it has the right, and will do so.
            orders.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _room(url: URL, orders: Connection, size: int) -> list[str]:
    """Refuse where the disk is known to be too small, else say what is not known."""
    needed = -(-size // 2**20)
    if url.host is None or url.host in {"localhost", "127.0.0.1", "::1"}:
        try:
            folder = Path(str(orders.execute(text("SHOW data_directory")).scalar()))
            free = shutil.disk_usage(folder).free // 2**20
        except (DBAPIError, OSError):
            free = None
        if free is not None:
            if free < needed:
                raise NoCopy(
                    f"The disk of the server has {free} MiB free, and a copy of {url.database} "
                    f"needs {needed} MiB: make room, or name a copy elsewhere with --on URL."
                )
            return []
    return [f"The copy took {needed} MiB on the server, whose free room is not known here."]


def _copied(url: URL, orders: Connection, facts: Any, name: str, options: Options) -> str:
    how = None
    if not facts.sessions:
        how = _cloned(orders, facts, str(url.database), name)
    if how is None:
        how = _dumped(url, orders, facts, name, options)
    for setting in facts.settings or ():
        # No way of copying brings these along, and a search_path decides what a name means.
        key, _, value = setting.partition("=")
        said = value if key in LISTS else "'" + value.replace("'", "''") + "'"
        orders.execute(text(f'ALTER DATABASE "{name}" SET {key} TO {said}'.replace(":", r"\:")))
    return how


def _cloned(orders: Connection, facts: Any, source: str, name: str) -> str | None:
    """None where it cannot be cloned, so that it must be read."""
    strategy = " STRATEGY file_copy" if facts.version >= FILE_COPY_SINCE else ""
    quoted = source.replace('"', '""')
    try:
        orders.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{quoted}"{strategy}')
    except DBAPIError as fault:
        if getattr(fault.orig, "pgcode", None) in {IN_USE, NO_RIGHT}:
            return None
        raise _refusal(source, first_line(fault)) from None
    return "a clone of its files by the server"


def _dumped(url: URL, orders: Connection, facts: Any, name: str, options: Options) -> str:
    client = clients.find(facts.major, options.text(clients.SETTING))
    try:
        orders.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template0{_locale(facts)}')
    except DBAPIError as fault:
        raise _refusal(
            str(url.database), f"{first_line(fault)}; the role needs CREATEDB"
        ) from None  # fmt: skip
    plain = ["--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions"]
    read = [str(client.dump), "--format=custom", "--compress=0", *plain, *_at(url)]
    write = [str(client.restore), "--exit-on-error", *plain, *_at(url.set(database=name))]
    environment = os.environ | ({"PGPASSWORD": str(url.password)} if url.password else {})
    with tempfile.TemporaryFile() as said:
        with (
            subprocess.Popen(  # noqa: S603  (our own words, and the operator's programs)
                read, stdout=subprocess.PIPE, stderr=said, env=environment
            ) as dump,
            subprocess.Popen(  # noqa: S603  (likewise)
                write, stdin=dump.stdout, stderr=said, env=environment
            ) as restore,
        ):
            assert dump.stdout is not None  # noqa: S101  (asked for)
            # So that pg_dump ends where pg_restore has.
            dump.stdout.close()
        if dump.returncode or restore.returncode:
            said.seek(0)
            # The first line alone: further ones may hold a row.
            first = said.readline().decode(errors="replace").strip()
            raise _refusal(str(url.database), first or "pg_dump and pg_restore did not say why")
    return f"read by pg_dump {client.major}, since it is in use"


def _at(url: URL) -> list[str]:
    """The address for libpq, its password left out: others see a program's arguments."""
    plain = url.set(drivername="postgresql", password=None)
    return [f"--dbname={plain.render_as_string(hide_password=False)}"]


def _locale(facts: Any) -> str:
    row = facts.row
    said = f" ENCODING '{facts.encoding}'"
    for key, word in (("datcollate", "LC_COLLATE"), ("datctype", "LC_CTYPE")):
        if row.get(key):
            said += f" {word} '{row[key]}'"
    if row.get("datlocprovider") == "i":
        locale = row.get("datlocale") or row.get("daticulocale")
        said += f" LOCALE_PROVIDER icu ICU_LOCALE '{locale}'"
    return said


def _refusal(database: str, why: str) -> NoCopy:
    return NoCopy(
        f"No copy of {database} could be made ({why}), so nothing was rehearsed: remove the "
        "cause, or name a copy that there is with --on URL."
    )
