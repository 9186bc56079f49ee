"""A database to try things in, on the same server; PostgreSQL needs no snapshot of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.causes import BadOption, Refused, first_line
from agentlogger.migrate.options import Options

PREFIX = "migration_scratch_"


@contextmanager
def scratch(url: URL, options: Options) -> Iterator[URL]:
    """An empty database: one that was named, else a new one on the same server, dropped afterwards.

    Raises Refused where the role may not make one and none was named. Where one was named, `url`
    may be of another kind of database.
    """
    named = options.word("scratch") or options.text("MIGRATE_SCRATCH_URL")
    if named is not None and url.get_backend_name() != "postgresql":
        url = make_url(named)
        schema = _schema(url)
        _empty(url, schema)
        yield url
        _empty(url, schema)
        return
    schema = _schema(url)
    if named is not None:
        given = make_url(named).set(drivername=url.drivername)
        if given.database == url.database and given.host == url.host and given.port == url.port:
            raise BadOption(
                "The scratch database is the database itself, and it is emptied each time: name "
                "another one with -x scratch=URL."
            )
        _empty(given, schema)
        yield given
        _empty(given, schema)
        return
    name = PREFIX + secrets.token_hex(6)
    _on_server(url, f'CREATE DATABASE "{name}" TEMPLATE template0')
    try:
        _on_server(url.set(database=name), f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        yield url.set(database=name)
    finally:
        _on_server(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _on_server(url: URL, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    except DBAPIError as fault:
        reason = first_line(fault)
        raise Refused(
            f"No scratch database could be made beside {url.database} ({reason}): give the role "
            "CREATEDB, or name an empty database with -x scratch=URL."
        ) from None
    finally:
        engine.dispose()


def _empty(url: URL, schema: str) -> None:
    """Empty a database that was named for this."""
    for one in {schema, "public"}:
        _on_server(url, f'DROP SCHEMA IF EXISTS "{one}" CASCADE')
        _on_server(url, f'CREATE SCHEMA "{one}"')


def _schema(url: URL) -> str:
    """The schema that unqualified names are made in: the role or the URL may have set another."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT current_schema()")).scalar() or "public")
    finally:
        engine.dispose()


def snapshot(url: URL, options: Options, revisions: Sequence[str]) -> Path | None:  # noqa: ARG001
    """None: PostgreSQL's backups are its operator's."""
    return None


def snapshots(url: URL) -> list[Path]:  # noqa: ARG001  (the protocol's)
    """None are made."""
    return []


def restorable(url: URL) -> NoReturn:
    """Raises Refused."""
    raise _not_ours(url)


def compare(url: URL, snapshot: Path, *, doing: str) -> NoReturn:  # noqa: ARG001  (the protocol's)
    """Raises Refused."""
    raise _not_ours(url)


def restore(url: URL, snapshot: Path, *, doing: str) -> NoReturn:  # noqa: ARG001  (the protocol's)
    """Raises Refused."""
    raise _not_ours(url)


def _not_ours(url: URL) -> Refused:
    return Refused(
        f"{url.database} is a database of PostgreSQL, whose backups are its operator's: restore it "
        "from a dump (`pg_restore`) or to a point in time, or take revisions back with "
        "`flask db downgrade`."
    )
