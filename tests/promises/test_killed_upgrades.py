"""After a kill at any moment, one plain upgrade finishes without help: nothing lost or twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from tests.conftest import Databases, PostgreSQLDatabases
from tests.migrations.checkout import Checkout
from tests.postgresql.server import start_server
from tests.promises.builds import (
    kill_a_build_and_run_again,
    kill_after_a_build_and_run_again,
    let_a_build_lose_a_deadlock,
)
from tests.promises.killing import (
    KillOfABackend,
    KillOfTheClient,
    Rounds,
    is_real,
    summary,
)
from tests.promises.long_history import lengthen

CLIENT_ROUNDS = 75
"""On each database."""
TERMINATED_ROUNDS = 25
SIGKILLED_ROUNDS = 25
"""With the 150 of the clients that makes 200."""

AT_ONCE = 2


def rounds_on(databases: Databases, folder: Path) -> Rounds:
    """Rounds on clones of the migrated template, by a copy of the checkout."""
    checkout = Checkout(folder, databases.clone())
    lengthen(checkout)
    return Rounds(checkout, databases.clone, dropping(databases))


def dropping(databases: Databases) -> Callable[[URL], None]:
    if isinstance(databases, PostgreSQLDatabases):
        return databases.drop
    return without_its_file


def without_its_file(url: URL) -> None:
    """Remove a SQLite database. Fails where something was left beside it that grows for ever."""
    path = Path(str(url.database))
    beside = sorted(one.name.removeprefix(path.name) for one in path.parent.glob(f"{path.name}?*"))
    assert [name for name in beside if "unfinished" in name] == []
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


@pytest.mark.long_on("sqlite")
def test_a_killed_upgrade_is_finished_by_the_next(databases, tmp_path):
    """Red when a revision is not one transaction, or what is half done is not found."""
    rounds = rounds_on(databases, tmp_path / "checkout")
    has_server = isinstance(databases, PostgreSQLDatabases)

    first = KillOfABackend(sigkill=False) if has_server else KillOfTheClient()
    rounds.run([first, KillOfTheClient(), KillOfTheClient()], at_once=AT_ONCE, really=False)


@pytest.mark.promise
def test_killed_at_any_moment_a_client_leaves_nothing_that_stops_the_next(
    databases, tmp_path, capsys
):
    rounds = rounds_on(databases, tmp_path / "checkout")
    done = rounds.run([KillOfTheClient()] * CLIENT_ROUNDS, at_once=AT_ONCE)

    require_real(rounds, done, capsys)


@pytest.mark.promise
@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_ended_at_any_moment_a_backend_leaves_nothing_that_stops_the_next(
    databases, tmp_path, capsys
):
    """On PostgreSQL only: SQLite has no server."""
    rounds = rounds_on(databases, tmp_path / "checkout")
    done = rounds.run([KillOfABackend(sigkill=False)] * TERMINATED_ROUNDS, at_once=AT_ONCE)

    require_real(rounds, done, capsys)


@pytest.fixture
def own_databases() -> Iterator[PostgreSQLDatabases]:
    """Databases of a server that may crash: the SIGKILL of one backend ends all of them."""
    server = start_server()
    try:
        yield PostgreSQLDatabases(make_url(server.url()))
    finally:
        server.stop()


@pytest.mark.promise
def test_killed_at_any_moment_a_backend_leaves_nothing_that_stops_the_next(
    own_databases, tmp_path, capsys
):
    """On PostgreSQL only: SQLite has no server."""
    rounds = rounds_on(own_databases, tmp_path / "checkout")
    done = rounds.run([KillOfABackend(sigkill=True)] * SIGKILLED_ROUNDS, at_once=1)

    require_real(rounds, done, capsys)


def require_real(rounds, done, capsys) -> None:
    """Fail where too few kills came in the middle to prove anything; print what they were."""
    with capsys.disabled():
        print(f"\n{summary(rounds, done)}")
    assert is_real(done)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_an_index_build_whose_client_was_killed_is_finished_by_the_next(
    checkout, empty_database_url
):
    """On PostgreSQL only: nothing is built beside its users. Red when INVALID is not looked for."""
    kill_a_build_and_run_again(checkout, empty_database_url)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_an_index_build_that_ended_unheard_is_not_made_again(checkout, empty_database_url):
    """On PostgreSQL only, likewise. Red when only what was counted is taken as done."""
    kill_after_a_build_and_run_again(checkout, empty_database_url)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_an_index_build_that_loses_a_deadlock_is_tried_again(checkout, empty_database_url):
    """On PostgreSQL only, likewise. Red when the INVALID index of the first try is in the way."""
    let_a_build_lose_a_deadlock(checkout, empty_database_url)
