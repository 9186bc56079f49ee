"""A PgBouncer in transaction mode, in front of one PostgreSQL server."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from sqlalchemy import URL

from tests.postgresql.account import Account, make_temporary_folder, unprivileged_account
from tests.postgresql.guard import Guard

ADDRESS = "127.0.0.1"
POOL_SIZE = 4
"""Server connections of one database: fewer than the clients that come at once, so they share."""
START_SECONDS = 60
POLL_SECONDS = 0.02
PORTS_TO_TRY = 5
INSTALL = "install it (Debian, Ubuntu: apt-get install pgbouncer; macOS: brew install pgbouncer)"

CONFIGURATION = """\
[databases]
* = host={host} port={port} user={user}{password}

[pgbouncer]
listen_addr = {address}
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
server_idle_timeout = 600
"""
"""Everything but the addresses is how people run it; `any` lets the tests in without a password."""


class PoolerFailed(RuntimeError):  # noqa: N818  (named like the sentence it carries)
    """PgBouncer did not start; the message ends with what it said."""


@dataclass(frozen=True)
class Pooler:
    """A running PgBouncer."""

    port: int

    def url(self, direct: URL) -> URL:
        """The address of a database through the pooler, by its address on the server."""
        return direct.set(host=ADDRESS, port=self.port)


def program() -> str | None:
    """Where PgBouncer is; None where it is not installed. Debian keeps it off users' PATH."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def pooling(server: URL) -> Iterator[Pooler]:
    """Run PgBouncer in front of a server, and end it with the block or with this process."""
    account = unprivileged_account()
    folder = make_temporary_folder(account)
    guard = Guard([folder], stop_with=signal.SIGTERM)
    try:
        yield Pooler(_start(server, folder, guard, account))
    finally:
        guard.close()


def _start(server: URL, folder: Path, guard: Guard, account: Account | None) -> int:
    deadline = time.monotonic() + START_SECONDS
    log = folder / "pgbouncer.log"
    for _ in range(PORTS_TO_TRY):
        port = _free_port()
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            CONFIGURATION.format(
                host=server.host,
                port=server.port,
                user=server.username,
                password=f" password={server.password}" if server.password else "",
                address=ADDRESS,
                listen_port=port,
                pool_size=POOL_SIZE,
            )
        )
        if account:
            account.own(settings)
        guard.start([str(program()), str(settings)], log=log, account=account)
        while time.monotonic() < deadline and not guard.server_ended():
            if _answers(server, port):
                return port
            time.sleep(POLL_SECONDS)
    raise PoolerFailed(f"PgBouncer did not start:\n{log.read_text() if log.exists() else ''}")


def _answers(server: URL, port: int) -> bool:
    """Whether PgBouncer itself answers there, asked by its own console."""
    try:
        connection = psycopg2.connect(
            host=ADDRESS, port=port, user=server.username, dbname="pgbouncer", connect_timeout=2
        )
    except psycopg2.OperationalError:
        return False
    connection.close()
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])
