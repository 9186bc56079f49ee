"""What has come is read on from a position: nothing is skipped, and nothing comes twice."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from agentlogger.intake import batches
from agentlogger.limits import ARRIVALS_KEPT_SECONDS
from agentlogger.models.arrivals import Arrival
from agentlogger.models.database import db, table_of
from agentlogger.store import appending, arrivals, positions, projects
from agentlogger.store.arrivals import Keys, Reading
from agentlogger.store.connections import reading_one_moment, writing
from agentlogger.store.positions import Position, Within
from agentlogger.store.scope import OperatorScope, ProjectScope

TEST = OperatorScope("a test looks at everything")
SCOPE = projects.DEFAULT
OTHER = ProjectScope(77)
TABLE = table_of(Arrival)
NOW = time.time_ns()


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


def store(*times: int, scope: ProjectScope = SCOPE) -> None:
    """Store records that have these nanoseconds behind NOW."""
    lines = "\n".join(f'{{"time": {NOW + one}, "body": "{one}"}}' for one in times)
    appending.append(scope, batches.from_native(lines.encode(), NOW, lines=True).records)


def here() -> Position:
    with reading_one_moment() as connection:
        return arrivals.now(TEST, connection)


def read_on(position: Position, *, limit: int = 1_000, **named) -> Reading:
    with reading_one_moment() as connection:
        return arrivals.read_on(TEST, connection, position, limit=limit, **named)


def told(reading: Reading) -> list[list[int]]:
    """The records of each arrival, by their nanoseconds behind NOW."""
    return [[ts_ns - NOW for ts_ns, _ in one.keys] for one in reading.arrivals]


def test_what_was_stored_since_is_read_once_and_in_its_order():
    store(1)
    begun = here()
    store(5, 3)
    store(4)

    first = read_on(begun)
    store(9)

    assert told(first) == [[5, 3], [4]]
    assert told(read_on(first.position)) == [[9]]


def test_of_several_projects_those_are_read_that_are_asked_for():
    begun = here()
    store(1)
    store(2, scope=OTHER)

    assert told(read_on(begun, projects=[OTHER.project_id])) == [[2]]
    assert told(read_on(begun)) == [[1], [2]]


def test_what_is_read_in_parts_is_all_of_it_once():
    begun = position = here()
    for number in range(0, 9, 3):
        store(number, number + 1, number + 2)
    parts = []
    while True:
        reading = read_on(position, limit=4)
        parts.append(told(reading))
        position = positions.parse(reading.position.text())
        if reading.is_complete:
            break

    assert parts == [[[0, 1, 2]], [[3, 4, 5]], [[6, 7, 8]]]
    (first, _, last) = read_on(begun).arrivals
    inside = positions.parse(begun.inside(first.number, first.project_id, 2).text())
    assert told(read_on(inside)) == [[2], [3, 4, 5], [6, 7, 8]]
    assert told(read_on(last.behind)) == []
    assert told(read_on(read_on(inside).arrivals[0].behind)) == [[3, 4, 5], [6, 7, 8]]


def test_what_is_refused_or_known_does_not_arrive():
    records = batches.from_native(b'{"id": "a", "body": 1}\n{"id": "b"}', NOW, lines=True).records
    begun = here()
    appending.append(SCOPE, records[:1])
    appending.append(SCOPE, records)

    assert [len(one.keys) for one in read_on(begun).arrivals] == [1, 1]


def test_a_record_that_is_completed_arrives_again_and_is_told_from_a_new_one():
    (begun,) = batches.from_native(b'{"id": "a"}', NOW, lines=True).records
    ended = replace(begun, duration_ns=7, completes=True)
    start = here()
    appending.append(SCOPE, [begun])
    appending.append(SCOPE, [ended])
    appending.append(SCOPE, [ended])

    first, again = read_on(start).arrivals

    assert first.keys == again.keys
    assert (first.stored, again.stored) == (1, 0)


def test_what_is_lost_is_known_as_lost():
    position = here()
    later = replace(position, moment_ns=position.moment_ns + (ARRIVALS_KEPT_SECONDS + 1) * 10**9)

    assert not position.is_lost(here())
    assert position.is_lost(later)
    assert replace(position, origin=position.origin + 1).is_lost(here())
    # From a database that was put back to an earlier moment.
    assert replace(position, upto=position.upto + 10**6).is_lost(position)


def test_what_is_older_than_arrivals_are_kept_is_deleted_and_nothing_else():
    position = here()
    for number in range(3):
        store(number)
    numbers = select(TABLE.c.number).order_by(TABLE.c.number)
    with writing() as connection:
        oldest = connection.execute(numbers).scalars().first()
        connection.execute(
            update(TABLE).where(TABLE.c.number == oldest).values(received_ns=NOW - 10**15)
        )
        arrivals.forget(TEST, connection)

    assert told(read_on(position)) == [[1], [2]]


@pytest.mark.parametrize(
    "position",
    [
        Position(0, 1, 2),
        Position(2**63 - 1, NOW, 900, (7, 8, 899)),
        Position(5, NOW, 900, (12,), (Within(12, 77, 3),)),
        Position(5, NOW, 900, (), (Within(901, 77, 3), Within(907, 77, 1))),
    ],
)
def test_a_position_is_the_same_as_text(position):
    same = positions.parse(position.text())

    assert (same, same.moment_ns) == (position, position.moment_ns)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2",
        "1.2.3-",
        "1.2.3-4",
        "1.2.3-0-0",
        "1.2.g",
        "1.2.3.4",
        "f" * 16 + ".1.1",
        "1." * 4_000,
    ],
)
def test_what_is_no_position_is_none(text):
    assert positions.parse(text) is None


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_of_two_transactions_the_later_may_commit_first_and_none_is_skipped():
    def key(ts_ns: int) -> dict[int, Keys]:
        return {SCOPE.project_id: Keys(stored=[(NOW + ts_ns, 1)])}

    begun = here()
    with db.engine.connect() as earlier, earlier.begin():
        arrivals.announce(TEST, earlier, key(1))
        # What is announced waits for the next statement, and has its number then.
        earlier.exec_driver_sql("SELECT 1")
        with db.engine.connect() as later, later.begin():
            arrivals.announce(TEST, later, key(2))
        between = read_on(begun)
        # One more that is read while the earlier is open still: it is neither lost nor told twice.
        with db.engine.connect() as another, another.begin():
            arrivals.announce(TEST, another, key(3))
        in_parts = read_on(begun, limit=1)
    rest = read_on(in_parts.position)

    assert told(between) == [[2]]
    assert told(in_parts) == [[2]]
    assert told(read_on(between.position)) == [[1], [3]]
    assert told(rest) == [[1], [3]]
    numbers = [one.number for one in rest.arrivals]
    assert numbers[0] < between.arrivals[0].number < numbers[1]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_transaction_that_stays_open_keeps_nobody_waiting():
    with db.engine.connect() as open_for_long, open_for_long.begin():
        open_for_long.exec_driver_sql("SELECT pg_current_xact_id()")
        begun = here()
        store(1)
        first = read_on(begun)
        store(2)

        assert told(first) == [[1]]
        assert told(read_on(first.position)) == [[2]]


def test_while_many_store_a_reader_gets_each_record_once(app):
    senders, each = 6, 8
    reading = read_on(here())

    def send(sender: int) -> None:
        with app.app_context():
            for number in range(each):
                store(*(sender * 1_000 + number * 10 + one for one in range(3)))

    threads = [threading.Thread(target=send, args=(one,)) for one in range(senders)]
    for one in threads:
        one.start()
    found: list[int] = []
    all_sent = False
    while not (all_sent and reading.is_complete):
        all_sent = not any(one.is_alive() for one in threads)
        reading = read_on(reading.position, limit=7)
        found += [number for numbers in told(reading) for number in numbers]

    assert len(found) == senders * each * 3
    assert len(set(found)) == len(found)
