"""Makes the development database and prints what to paste to reach it.

`make dev-database` runs it as `python -m tests.postgresql.development`; with `--stop` it stops the
server, which keeps the data. On its standard output are export lines alone, so that
`eval "$(make -s dev-database)"` works.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg2
import psycopg2.errors
from sqlalchemy import URL, make_url

from tests.postgresql.account import OutOfReach, unprivileged_account
from tests.postgresql.binaries import NoPostgreSQL, find_binaries
from tests.postgresql.cluster import ServerFailed
from tests.postgresql.server import Server, running_server, start_server

DATABASE = "agentlogger_dev"
SERVER_OF_OURS = "AGENTLOGGER_DEV_POSTGRESQL_URL"
"""The environment variable with the address, as a superuser, of a server to use instead."""

CHECKOUT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Make the database, or stop the server, and return the status to exit with."""
    parser = argparse.ArgumentParser(prog="make dev-database", description=__doc__)
    parser.add_argument("--stop", action="store_true", help="stop the server and keep the data")
    try:
        return _stop() if parser.parse_args(arguments).stop else _make()
    except (NoPostgreSQL, OutOfReach, ServerFailed, psycopg2.Error) as error:
        _tell(str(error))
    except subprocess.CalledProcessError as error:
        _tell(f"The database {DATABASE} is there, but migrating it failed: {error}")
    return 1


def development_folder() -> Path:
    """Return where the development server keeps its data.

    That is in the checkout, except for root, whose checkout may be closed to the account that the
    server runs under. There the name tells checkouts apart.
    """
    if unprivileged_account() is None:
        return CHECKOUT / "instance" / "postgresql"
    checkout = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
    return Path("/var/tmp") / f"agentlogger-development-{checkout}"  # noqa: S108  # See _make_home.


def development_server(folder: Path) -> Server:
    """Return the development server, started if it does not run yet."""
    binaries = find_binaries()
    return running_server(folder, binaries) or start_server(
        binaries=binaries, folder=folder, keep=True
    )


def create_database(server: URL) -> URL:
    """Make the database on the server that the address names, and return the database's address."""
    # The address may already name the database that is still to be made.
    entrance = "postgres" if server.database in {None, "", DATABASE} else server.database
    connection = psycopg2.connect(_for_libpq(server.set(database=entrance)))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor, contextlib.suppress(psycopg2.errors.DuplicateDatabase):
            cursor.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    finally:
        connection.close()
    return server.set(database=DATABASE)


def migrate(address: str) -> None:
    """Bring the database to the newest schema, as anybody would who has the address."""
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=CHECKOUT,
        env={**os.environ, "DATABASE_URL": address},
        check=True,
        stdout=sys.stderr,  # The export lines stand alone on the standard output.
    )


def exports(database: URL, psql_folder: Path | None) -> list[str]:
    """Return the lines after which `psql -U postgres -d agentlogger_dev` reaches the database.

    `psql_folder` goes to the front of PATH when the `psql` there is not the one PATH finds.
    """
    values = {"PGHOST": database.host or "127.0.0.1", "PGPORT": str(database.port or 5432)}
    if database.password:
        values["PGPASSWORD"] = str(database.password)
    values["DATABASE_URL"] = _for_libpq(database)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    if psql_folder and (psql_folder / "psql").exists() and psql_folder != _folder_of_psql():
        lines.append(f'export PATH={shlex.quote(str(psql_folder))}:"$PATH"')
    return lines


def _make() -> int:
    named = os.environ.get(SERVER_OF_OURS)
    if named:
        address = make_url(named)
        psql_folder = None if shutil.which("psql") else _folder_with_psql()
        whose = f"the server that {SERVER_OF_OURS} names"
    else:
        server = development_server(development_folder())
        address = make_url(server.url())
        psql_folder = server.binaries.folder
        whose = f"PostgreSQL {server.version} in {server.folder}"
    database = create_database(address)
    migrate(_for_libpq(database))
    _tell(f"The development database {DATABASE} is ready on {whose}; paste these to use it:")
    print("\n".join(exports(database, psql_folder)))
    return 0


def _stop() -> int:
    server = running_server(development_folder(), find_binaries())
    if server is None:
        _tell("The development server is not running.")
    else:
        server.stop()
        _tell(f"The development server has stopped; its data stays in {server.folder}.")
    return 0


def _for_libpq(address: URL) -> str:
    """Write the address without a driver's name, as psql takes it and people paste it."""
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


def _folder_of_psql() -> Path | None:
    found = shutil.which("psql")
    return Path(found).resolve().parent if found else None


def _folder_with_psql() -> Path | None:
    with contextlib.suppress(NoPostgreSQL):
        return find_binaries().folder
    return None


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
