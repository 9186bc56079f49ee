"""An answer means it is on disk, and what is sent twice is stored once, whatever is killed.

`AGENTLOGGER_KILLS` and `AGENTLOGGER_ACKNOWLEDGED` say how many kills each proof does, and how many
records are acknowledged on the way.
"""

from __future__ import annotations

import os

import pytest

from tests.conftest import Databases
from tests.promises.ingesting.broken import breaking
from tests.promises.ingesting.crashing import own_postgresql
from tests.promises.ingesting.kills import Reckoning, Run

KILLS = int(os.environ.get("AGENTLOGGER_KILLS", "200"))
ACKNOWLEDGED = int(os.environ.get("AGENTLOGGER_ACKNOWLEDGED", "1000000"))

FEW = 3
"""Kills that are enough to see a broken promise."""
RECORDS_OF_FEW = 3_000


@pytest.fixture
def postgresql():
    with own_postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_address(request: pytest.FixtureRequest) -> str:
    """An empty database that writes as durably as one with data that matters."""
    if request.param == "postgresql":
        address: str = request.getfixturevalue("postgresql").url
        return address
    databases: Databases = request.getfixturevalue("sqlite_databases")
    return databases.empty().render_as_string(hide_password=False)


def tell(capsys: pytest.CaptureFixture[str], reckoning: Reckoning) -> None:
    with capsys.disabled():
        print(f"\n{reckoning}")


@pytest.mark.promise
def test_whenever_the_server_is_killed_nothing_acknowledged_is_lost_and_nothing_is_there_twice(
    durable_address, tmp_path, capsys
):
    reckoning = Run(tmp_path, KILLS, ACKNOWLEDGED).kill_the_server(durable_address)

    tell(capsys, reckoning)
    reckoning.require_kept()


@pytest.mark.promise
def test_whenever_postgresql_is_killed_nothing_acknowledged_is_lost_and_nothing_is_there_twice(
    postgresql, tmp_path, capsys
):
    """On PostgreSQL only: SQLite has no server."""
    reckoning = Run(tmp_path, KILLS, ACKNOWLEDGED).kill_postgresql(postgresql)

    tell(capsys, reckoning)
    reckoning.require_kept()


@pytest.mark.promise  # A server and a PostgreSQL of its own: ten seconds.
def test_killed_once_postgresql_has_all_that_was_acknowledged(postgresql, tmp_path):
    """On PostgreSQL only, the same in short; `tests/journeys/test_killed.py` kills the server."""
    Run(tmp_path, 1, 0).kill_postgresql(postgresql).require_kept()


@pytest.mark.promise
def test_an_answer_before_the_commit_is_found_out(durable_address, tmp_path):
    broken = breaking("answer_before_commit")
    reckoning = Run(tmp_path, FEW, RECORDS_OF_FEW).kill_the_server(durable_address, broken)

    assert reckoning.lost


@pytest.mark.promise
def test_a_commit_that_does_not_wait_for_the_log_is_found_out_by_killing_postgresql(
    postgresql, tmp_path
):
    """On PostgreSQL only: of SQLite's, a kill sees nothing, and `test_syncs` does."""
    broken = {"PGOPTIONS": "-c synchronous_commit=off"}
    reckoning = Run(tmp_path, FEW, RECORDS_OF_FEW).kill_postgresql(postgresql, broken)

    assert reckoning.lost


@pytest.mark.promise
@pytest.mark.parametrize("promise", ["no_digests", "no_identities"])
def test_what_is_not_known_again_is_found_out(promise, durable_address, tmp_path):
    broken = breaking(promise)
    reckoning = Run(tmp_path, 1, RECORDS_OF_FEW).kill_the_server(durable_address, broken)

    assert reckoning.twice
    assert not reckoning.lost
