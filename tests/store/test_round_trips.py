"""Statements that are given to the driver itself: in their transaction, and few of them."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Connection, text

from agentlogger.errors import DatabaseUnavailable
from agentlogger.models.database import db
from agentlogger.store import receipts
from agentlogger.store.connections import asked, backend_of, reading, reading_one_moment, writing
from agentlogger.store.postgresql import round_trips
from agentlogger.store.receipts import Count
from agentlogger.store.scope import OperatorScope
from agentlogger.store.written import Written

TEST = OperatorScope("a test counts")

REQUEST = 4
"""Of a request whose records report no call: BEGIN and its digest, the identities, COPY with
receipts, arrivals and COMMIT; and what the gate asks before it."""


@pytest.fixture(autouse=True)
def inside(app):
    with app.app_context():
        yield


def counted() -> int:
    return receipts.total(TEST).stored


def add(connection: Connection, stored: int) -> None:
    receipts.add(TEST, connection, {1: Count(stored=stored)})


def test_what_waits_when_a_transaction_ends_is_committed_with_it():
    with writing() as connection:
        add(connection, 3)

    assert counted() == 3


def test_what_waits_when_a_transaction_fails_is_never_sent():
    for fails in ("before anything was sent", "after a statement"):
        with suppress(ZeroDivisionError), writing() as connection:
            add(connection, 3)
            if fails == "after a statement":
                connection.execute(text("SELECT 1"))
                add(connection, 4)
            raise ZeroDivisionError

        assert counted() == 0


def test_a_transaction_can_be_rolled_back_by_hand_and_another_one_follows_it():
    with writing() as connection:
        add(connection, 3)
        connection.execute(text("SELECT 1"))
        connection.rollback()

    assert counted() == 0
    with writing() as connection:
        add(connection, 5)
    assert counted() == 5


def test_a_savepoint_takes_back_what_was_sent_within_it():
    backend = backend_of(db.engine.url)
    with writing() as connection:
        add(connection, 3)
        attempt = connection.begin_nested()
        backend.fetched(connection, "DELETE FROM receipts WHERE stored = %s", (3,))
        attempt.rollback()

    assert counted() == 3


def divide_by_zero() -> None:
    with writing() as connection:
        add(connection, 3)
        backend_of(db.engine.url).fetched(connection, "SELECT 1 / 0")


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_statement_that_fails_leaves_no_transaction_open_on_a_connection_of_postgresql():
    for _ in range(2):
        with pytest.raises(Exception, match="division by zero"):
            divide_by_zero()

    with reading() as connection:
        # The same connection, whose transactions are the driver's own again.
        assert connection.execute(text("SELECT count(*) FROM receipts")).scalar_one() == 0
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "4s"
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a pool with places


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_what_the_driver_makes_of_a_connection_lost_within_copy_says_that_postgresql_is_away():
    lost = psycopg2.OperationalError("server closed the connection unexpectedly")

    with pytest.raises(DatabaseUnavailable, match="server closed"), writing():
        raise SystemError("a function returned a result with an exception set") from lost


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_connection_to_postgresql_that_is_lost_after_the_commit_is_nobodys_fault(monkeypatch):
    def lose(_connection: Connection, driver: Any) -> None:
        with socket.socket(fileno=os.dup(driver.fileno())) as to_the_server:
            to_the_server.shutdown(socket.SHUT_RDWR)

    with db.engine.connect() as connection:
        # Such a driver asks the server for something when its own transactions are left.
        connection.connection.driver_connection.isolation_level = "REPEATABLE READ"  # type: ignore[union-attr]  # it has one

    with monkeypatch.context() as patched:
        patched.setattr(round_trips, "_roll_back", lose)
        with writing() as connection:
            add(connection, 3)

    assert counted() == 3


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_small_request_makes_few_round_trips_to_postgresql(client, monkeypatch):
    sent: list[Any] = []

    def noting(name: str) -> None:
        real = getattr(round_trips, name)

        def noted(connection: Connection, *given: Any, **named: Any) -> Any:
            sent.append(given[0])
            return real(connection, *given, **named)

        monkeypatch.setattr(round_trips, name, noted)

    def send(number: int) -> None:
        records = [{"id": f"{number}-{each}", "message": "hello"} for each in range(10)]
        assert client.post("/api/v1/logs", json=records).status_code == 200

    # A thread beside would take, and prepare, a connection of its own.
    monkeypatch.setattr(backend_of(db.engine.url), "tell_others", lambda _: None)
    send(1)
    noting("_send")
    noting("_copy")
    send(2)

    assert len(sent) == REQUEST, sent


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_rows_that_are_copied_on_postgresql_are_there_for_the_next_statement_and_for_no_other():
    """COPY waits for what comes next: another COPY, a statement that answers, a savepoint's end."""
    backend = backend_of(db.engine.url)

    def insert(connection: Connection, day: int) -> None:
        names = ("project_id", "day", "writer", "stored", "duplicates", "refused")
        rows = [f"1\t{day}\t1\t1\t0\t0".encode()]
        backend.insert(connection, "receipts", Written(names, rows))

    def insert_all(*days: int) -> None:
        with writing() as connection:
            for day in days:
                insert(connection, day)

    with suppress(ZeroDivisionError), writing() as connection:
        insert(connection, 1)
        raise ZeroDivisionError
    assert counted() == 0
    with pytest.raises(Exception, match="duplicate key"):
        insert_all(1, 2, 1)
    assert counted() == 0
    with writing() as connection:
        insert(connection, 1)
        assert backend.fetched(connection, "SELECT count(*) FROM receipts") == [(1,)]
        insert(connection, 2)
        assert connection.execute(text("SELECT count(*) FROM receipts")).scalar_one() == 2
        attempt = connection.begin_nested()
        with pytest.raises(Exception, match="duplicate key"):
            insert(connection, 2)
        attempt.rollback()
        insert(connection, 3)
        add(connection, 1)
        insert(connection, 4)
    assert counted() == 5


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_who_reads_one_moment_of_postgresql_sees_no_later_one_and_leaves_nothing_behind():
    show, count = text("SHOW transaction_isolation"), text("SELECT count(*) FROM receipts")
    for _ in ("the first of its connection", "a later one"):
        with reading_one_moment() as connection:
            before = connection.execute(count).scalar_one()
            with writing() as other:
                add(other, 1)
            assert connection.execute(count).scalar_one() == before
            assert connection.execute(show).scalar_one() == "repeatable read"
            driver: Any = connection.connection.driver_connection
        # Else the driver says SET to the server around each transaction that is ours.
        assert driver.isolation_level is None
        with driver.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone() == ("read committed",)
        driver.rollback()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_requests_one_after_the_other_are_served_by_one_process_of_postgresql():
    with reading(), reading(), reading():
        pass

    assert len({asked("SELECT pg_backend_pid()")[0] for _ in range(4)}) == 1
