"""A PostgreSQL server for one test run, or one that stays for development."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import psycopg2

from tests.postgresql.account import (
    Account,
    OutOfReach,
    make_temporary_folder,
    reachable_binaries,
    require_reach,
    unprivileged_account,
)
from tests.postgresql.binaries import Binaries, find_binaries
from tests.postgresql.cluster import (
    EVERY_SERVER,
    FAST_AND_FORGETFUL,
    ServerFailed,
    make_cluster,
    read_postmaster,
)
from tests.postgresql.guard import Guard
from tests.postgresql.starting import ADDRESS, Place, start_on_free_port

STOP_SECONDS = 60
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class Server:
    """A running server that takes connections of `postgres`, without a password, on loopback.

    Made by `start_server` or `running_server`. Its log is `server.log` in `folder`.
    """

    def __init__(
        self, binaries: Binaries, folder: Path, port: int, socket_folder: Path, guard: Guard | None
    ) -> None:
        self.binaries = binaries
        self.folder = folder
        self.port = port
        self.socket_folder = socket_folder
        self.version = self.ask("SHOW server_version").split()[0]
        self._guard = guard

    def url(self, database: str = "postgres") -> str:
        """Return SQLAlchemy's address of a database on this server, there already or not."""
        name = quote(database, safe="")
        return f"postgresql+psycopg2://postgres@{ADDRESS}:{self.port}/{name}"

    def ask(self, question: str) -> str:
        """Return the one value that a query answers with, as text."""
        connection = psycopg2.connect(
            host=ADDRESS,
            port=self.port,
            user="postgres",
            dbname="postgres",
            connect_timeout=5,
            sslmode="disable",  # Whatever PGSSLMODE says: our servers offer none.
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(question)
                (answer,) = cursor.fetchone() or ("",)
                return str(answer)
        finally:
            connection.close()

    def stop(self) -> None:
        """Return when the server has ended and its temporary folders are gone.

        A folder that the caller named stays, with the data in it.
        """
        if self._guard:
            self._guard.close()
        else:
            _stop_kept(self.folder / "data")
            shutil.rmtree(self.socket_folder, ignore_errors=True)


def start_server(
    *,
    binaries: Binaries | None = None,
    folder: Path | None = None,
    within: Path | None = None,
    keep: bool = False,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> Server:
    """Start a server and return it once it answers.

    It ends with `stop()` or with this process, however that ends, and takes its temporary folder
    along, which is made `within` another one where that is named. With `keep` it is made for data
    that matters instead: it writes durably, and it stays until `stop()`. A given `folder` is never
    removed, and a server that was in it before comes back with its data. `settings` go over ours,
    except for the address.
    """
    account = unprivileged_account()
    found = binaries or find_binaries()
    home = _make_home(folder, within, account)
    socket_folder = make_temporary_folder(account, short=True)
    guard = None if keep else _make_guard(socket_folder, home if folder is None else None)
    try:
        # Where data lies in memory, the system may start no program from there.
        own = home if within is None else socket_folder
        runnable = reachable_binaries(account, found, copy=own / "binaries")
        make_cluster(home / "data", binaries=runnable, account=account, durable=keep)
        careless = {} if keep else FAST_AND_FORGETFUL
        place = Place(runnable, home, socket_folder, account)
        port = start_on_free_port(place, {**EVERY_SERVER, **careless, **settings}, guard)
        return Server(runnable, home, port, socket_folder, guard)
    except BaseException:
        if guard:
            guard.close()
        else:
            shutil.rmtree(socket_folder, ignore_errors=True)
        raise


def running_server(folder: Path, binaries: Binaries) -> Server | None:
    """Return the server that `start_server(folder=folder, keep=True)` left running, if it runs."""
    data = folder / "data"
    wrote = read_postmaster(data)
    if wrote is None:
        return None
    try:
        server = Server(binaries, folder, wrote.port, wrote.socket_folder, None)
    except psycopg2.OperationalError:
        return None
    # After a crash the file is stale, and another server may have taken over the port.
    served = Path(server.ask("SHOW data_directory"))
    return server if served.resolve() == data.resolve() else None


def _make_home(folder: Path | None, within: Path | None, account: Account | None) -> Path:
    if folder is None:
        return make_temporary_folder(account, within=within)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        # In a folder open to all, such as /var/tmp, somebody else may have been there first.
        if folder.lstat().st_uid not in {os.geteuid(), account.uid}:
            raise OutOfReach(f"{folder} belongs to somebody else: remove it or name another one.")
        account.own(folder)
    require_reach(account, folder)
    return folder


def _make_guard(socket_folder: Path, temporary_home: Path | None) -> Guard:
    """Have temporary data dropped at once; data that stays gets its last commits written."""
    if temporary_home:
        return Guard([temporary_home, socket_folder], stop_with=signal.SIGQUIT)
    return Guard([socket_folder], stop_with=signal.SIGINT)


def _stop_kept(data: Path) -> None:
    """Stop a detached server as `pg_ctl stop` does, for which its binaries need not be there."""
    wrote = read_postmaster(data)
    if wrote is None:
        return
    os.kill(wrote.pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_SECONDS
    while read_postmaster(data):
        if time.monotonic() > deadline:
            raise ServerFailed(f"PostgreSQL in {data} did not stop within {STOP_SECONDS} seconds.")
        time.sleep(0.05)
