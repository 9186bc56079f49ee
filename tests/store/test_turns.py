"""The workers that write to one SQLite file take turns."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from agentlogger.errors import DatabaseUnavailable
from agentlogger.store.connections import writing
from agentlogger.store.sqlite import turns

LONG = 30.0


def write_again_and_again(pipe: Connection, database: str, held: float) -> None:
    """Have turns, one straight after the other, until told to end; each is noted."""
    while not pipe.poll():
        with turns.turn(database, time.monotonic() + LONG):
            with Path(f"{database}-noted").open("ab") as noted:
                noted.write(b"x")
            time.sleep(held)


@contextmanager
def another_process(database: Path, *, held: float) -> Iterator[multiprocessing.Process]:
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(
        target=write_again_and_again, args=(theirs, str(database), held), daemon=True
    )
    process.start()
    try:
        while not noted(database):
            time.sleep(0.005)
        yield process
    finally:
        ours.send("end")
        process.kill()
        process.join()


def noted(database: Path) -> int:
    path = Path(f"{database}-noted")
    return path.stat().st_size if path.exists() else 0


def test_a_process_that_waits_is_the_next_however_soon_the_other_comes_again(tmp_path):
    database = tmp_path / "a.db"
    between = []
    with another_process(database, held=0.005):
        for _ in range(20):
            before = noted(database)
            with turns.turn(str(database), time.monotonic() + LONG):
                between.append(noted(database) - before)
    # One that it had already, or takes before we have asked.
    assert sum(between) <= 2 * len(between)


def test_a_turn_that_does_not_come_in_time_is_a_503(tmp_path):
    database = tmp_path / "a.db"
    with (
        another_process(database, held=LONG),
        pytest.raises(DatabaseUnavailable, match="busy with others' writes"),
        turns.turn(str(database), time.monotonic() + 0.05),
    ):
        pass


def test_a_killed_process_has_its_turn_no_longer(tmp_path):
    database = tmp_path / "a.db"
    with another_process(database, held=LONG) as other:
        other.kill()
        other.join()
        with turns.turn(str(database), time.monotonic() + LONG):
            pass


def test_where_no_file_can_be_made_the_database_decides(tmp_path):
    with turns.turn(str(tmp_path / "missing" / "a.db"), time.monotonic()):
        pass


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_all_threads_of_a_worker_write_over_one_connection_on_sqlite(app):
    def connection_of_one_write(_: int) -> object:
        with app.app_context(), writing() as connection:
            return connection.connection.driver_connection

    with ThreadPoolExecutor(4) as threads:
        written_over = list(threads.map(connection_of_one_write, range(8)))

    assert all(one is written_over[0] for one in written_over)
