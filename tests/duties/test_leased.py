"""A worker does what one of all workers does, for as long as it holds the lease of it."""

from __future__ import annotations

import logging
import threading
from contextlib import nullcontext
from itertools import groupby

import pytest
from sqlalchemy import update

from agentlogger.duties import leased
from agentlogger.duties.leased import Leased, Turn
from agentlogger.errors import DatabaseUnavailable
from agentlogger.models.database import table_of
from agentlogger.models.leases import Lease
from agentlogger.store.connections import writing
from agentlogger.store.leases import LeaseLost

LONG = 60.0
"""Seconds that nothing here takes, on any machine."""


def let_it_run_out() -> None:
    with writing() as connection:
        connection.execute(update(table_of(Lease)).values(until_ns=1))


def worker(app, work, name="counting") -> Leased:
    return Leased(name, work, every_seconds=0.01, inside=app.app_context)


def test_of_four_workers_one_works_and_the_next_when_that_has_ended(app, monkeypatch):
    monkeypatch.setattr(leased, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(leased, "LEASE_SECONDS", 600.0)
    worked: list[int] = []
    seen = threading.Condition()

    def doing(number: int):
        def work(_turn):
            with seen:
                worked.append(number)
                seen.notify()

        return work

    workers = [worker(app, doing(number)) for number in range(4)]
    for each in workers:
        each.start()
    with seen:
        assert seen.wait_for(lambda: len(worked) >= 20, LONG)
    first = worked[0]
    workers[first].stop()
    with seen:
        assert seen.wait_for(lambda: len(worked) >= worked.count(first) + 3, LONG)
        # The next may have begun before `stop` was back, and those after it begin below.
        turns = [number for number, _ in groupby(worked)]
    for each in workers:
        each.stop()

    assert turns[0] == first
    assert len(turns) == 2


def test_long_work_learns_between_its_steps_that_it_was_taken_over(app):
    with app.app_context():
        slow, other = Turn("counting", every_seconds=1), Turn("counting", every_seconds=1)
        assert slow.take()
        slow.keep()
        let_it_run_out()
        assert other.take()
        slow.seconds = 0

        with pytest.raises(LeaseLost):
            slow.keep()
        with pytest.raises(LeaseLost):
            _ = slow.lease


def test_a_lease_that_ran_out_and_was_taken_again_is_another_turn(app):
    with app.app_context():
        slow = Turn("counting", every_seconds=1)
        assert slow.take()
        let_it_run_out()
        slow.seconds = 0

        with pytest.raises(LeaseLost):
            slow.keep()
        assert slow.take()


def test_a_fault_is_said_once_until_it_is_another(app, caplog):
    faults = iter([DatabaseUnavailable("away"), DatabaseUnavailable("away"), ValueError("odd")])
    done = threading.Event()

    def work(_turn):
        fault = next(faults, None)
        if fault is None:
            done.set()
        else:
            raise fault

    with caplog.at_level(logging.WARNING):
        working = worker(app, work)
        working.start()
        assert done.wait(LONG)
        working.stop()

    assert caplog.messages == ["No counting: away", "No counting: odd"]
    assert [bool(record.exc_info) for record in caplog.records] == [False, True]


def test_it_ends_in_the_middle_of_its_work_and_gives_the_lease_back(app):
    begun = threading.Event()

    def work(turn):
        begun.set()
        assert turn.stopped.wait(LONG)

    working = worker(app, work)
    working.start()
    assert begun.wait(LONG)
    working.stop()

    assert not working._thread.is_alive()
    with app.app_context():
        assert Turn("counting", every_seconds=1).take()


def test_a_worker_that_never_began_a_turn_ends_without_a_database():
    working = Leased("counting", lambda _turn: None, every_seconds=60, inside=nullcontext)
    working.start()
    working.stop()

    assert not working._thread.is_alive()
