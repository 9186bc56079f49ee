"""Of all workers one does a piece of work, and the next one when that is gone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from agentlogger.models.database import table_of
from agentlogger.models.leases import Lease
from agentlogger.store import leases
from agentlogger.store.connections import reading, writing
from agentlogger.store.leases import LeaseLost
from agentlogger.store.scope import OperatorScope

TEST = OperatorScope("a test takes leases")
TABLE = table_of(Lease)


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


def take(holder: str, seconds: float = 60.0, name: str = "alerts") -> leases.Taken | None:
    return leases.take_or_renew(TEST, name, holder=holder, seconds=seconds)


def let_it_run_out() -> None:
    """What a minute without a renewal does, without the minute."""
    with writing() as connection:
        connection.execute(update(TABLE).values(until_ns=TABLE.c.until_ns - 3600 * 10**9))


def until_ns() -> int:
    with reading() as connection:
        return connection.execute(select(TABLE.c.until_ns)).scalar_one()


def test_one_of_two_has_it_and_keeps_it():
    first = take("a")

    assert take("b") is None
    assert take("a") == first
    assert take("b") is None


def test_of_many_that_come_at_once_one_gets_it(app):
    together = threading.Barrier(8)

    def come(number: int) -> leases.Taken | None:
        with app.app_context():
            together.wait()
            return take(f"holder {number}")

    with ThreadPoolExecutor(8) as pool:
        taken = [lease for lease in pool.map(come, range(8)) if lease is not None]

    assert len(taken) == 1


def test_a_dead_holders_lease_passes_on_and_rises():
    dead = take("a")
    let_it_run_out()

    following = take("b")

    assert following.token > dead.token
    assert take("a") is None


def test_a_renewal_has_it_for_longer():
    take("a", seconds=60.0)
    before = until_ns()

    take("a", seconds=120.0)

    assert until_ns() - before > 55 * 10**9


def test_a_holder_that_was_paused_learns_it_before_it_writes():
    paused = take("a")
    let_it_run_out()
    take("b")

    with pytest.raises(LeaseLost), writing() as connection:
        leases.hold(TEST, connection, paused)


def test_it_learns_it_also_where_it_has_taken_the_lease_again_since():
    paused = take("a")
    let_it_run_out()
    leases.release(TEST, take("b"))
    again = take("a")

    with pytest.raises(LeaseLost), writing() as connection:
        leases.hold(TEST, connection, paused)
    with writing() as connection:
        leases.hold(TEST, connection, again)


def test_nobody_takes_it_over_while_its_holder_writes(app):
    lease = take("a")
    let_it_run_out()
    order = []

    def come() -> None:
        with app.app_context():
            take("b")
            order.append("taken over")

    with writing() as connection:
        leases.hold(TEST, connection, lease)
        waiting = threading.Thread(target=come)
        waiting.start()
        # It comes to the lock or not: what it must not do is finish.
        waiting.join(timeout=0.2)
        order.append("written")
    waiting.join()

    assert order == ["written", "taken over"]


def test_one_that_is_given_back_is_there_for_the_next_at_once():
    leases.release(TEST, take("a"))

    assert take("b") is not None


def test_who_has_lost_it_gives_nothing_back():
    lost = take("a")
    let_it_run_out()
    take("b")

    leases.release(TEST, lost)

    assert take("c") is None


def test_each_piece_of_work_has_a_lease_of_its_own():
    assert take("a", name="alerts") is not None
    assert take("b", name="retention") is not None
