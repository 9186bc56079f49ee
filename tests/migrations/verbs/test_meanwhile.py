"""What others do to a table while a verb is at work on it: partitions come and go, and locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.migrations.verbs.frozen import CASES
from tests.migrations.verbs.stage import LOCK_TIMEOUT, PARTITIONS, Stage

pytestmark = pytest.mark.promise

TABLE_VERBS = [name for name in CASES if "enum" not in name]

ATTACH = (
    "CREATE TABLE people_new (LIKE people INCLUDING ALL)",
    "ALTER TABLE people ATTACH PARTITION people_new FOR VALUES FROM (20) TO (30)",
    "INSERT INTO people VALUES (20, 20, 'new', 20, 1)",
)
"""As the service makes a partition."""


@pytest.fixture
def shape() -> str:
    """On PostgreSQL only: on SQLite nobody else writes while a revision is applied."""
    return "partitioned"


def then_before(number: int, doing: Callable[[], None]) -> Callable[[str], None]:
    """Do something of somebody else's before a statement of the verb's, once."""
    left = number

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            doing()

    return count


def steps_of(stage: Stage, verb: str) -> int:
    """How many statements a verb has; the stage is as before."""
    up, down = CASES[verb]
    stage.do(up)
    steps = len(stage.statements)
    stage.do(down)
    return steps


@pytest.mark.parametrize("verb", TABLE_VERBS)
def test_a_partition_that_is_attached_at_any_moment_has_all_that_the_others_have(stage, verb):
    up, down = CASES[verb]

    for number in range(1, steps_of(stage, verb) + 1):
        stage.do(up, before=then_before(number, lambda: stage.run(*ATTACH)))

        assert stage.leftovers() == [], f"attached before statement {number}"
        assert facts(stage, "people_new") == facts(stage, "people_1"), f"before {number}"
        stage.do(down)
        stage.run("DROP TABLE people_new")


INDEXES = (
    "SELECT regexp_replace(pg_get_indexdef(indexrelid), '.* USING', ''), indisvalid, indisunique"
    " FROM pg_index WHERE indrelid = '{}'::regclass ORDER BY 1"
)
CONSTRAINTS = (
    "SELECT pg_get_constraintdef(oid), convalidated, conparentid <> 0, conislocal"
    " FROM pg_constraint WHERE conrelid = '{}'::regclass AND contype <> 'n' ORDER BY 1"
)
COLUMNS = (
    "SELECT attname, attnotnull FROM pg_attribute"
    " WHERE attrelid = '{}'::regclass AND attnum > 0 ORDER BY 1"
)


def facts(stage: Stage, table: str) -> list[tuple]:
    """What is on a partition: indexes and constraints without their names, and NOT NULL."""
    return [
        row for query in (INDEXES, CONSTRAINTS, COLUMNS) for row in stage.rows(query.format(table))
    ]


DROPPED = [
    *[(verb, "people_1") for verb in TABLE_VERBS],
    # The last one without a part, so that nothing more is attached that would make the whole valid.
    ("create_index_online", "people_2"),
    ("create_unique_online", "people_2"),
    # The only partition of one that is partitioned itself, so that this has none any more.
    ("create_index_online", "people_2a"),
    ("create_unique_online", "people_2a"),
]


@pytest.mark.parametrize(("verb", "gone"), DROPPED)
def test_a_partition_that_is_dropped_at_any_moment_is_not_missed(stage, verb, gone):
    up, down = CASES[verb]
    again = {"people_1": PARTITIONS[:1], "people_2": PARTITIONS[1:], "people_2a": PARTITIONS[2:]}

    for number in range(1, steps_of(stage, verb) + 1):
        stage.do(up, before=then_before(number, lambda: stage.run(f"DROP TABLE {gone}")))

        assert stage.leftovers() == [], f"dropped before statement {number}"
        others = "people_2a" if gone == "people_1" else "people_1"
        assert facts(stage, others) == facts_of_the_table(stage), f"before {number}"
        stage.do(down)
        stage.run(*again[gone])


def facts_of_the_table(stage: Stage) -> list[tuple]:
    """What a partition that is made now has."""
    stage.run("CREATE TABLE people_now PARTITION OF people FOR VALUES FROM (40) TO (50)")
    found = facts(stage, "people_now")
    stage.run("DROP TABLE people_now")
    return found


@pytest.mark.parametrize("verb", TABLE_VERBS)
def test_a_strong_lock_is_waited_for_no_longer_than_it_may(stage, verb):
    """Whoever reads or writes the table queues behind a statement that waits."""
    with stage.session() as other:
        other.execute(sa.text("LOCK TABLE people, people_1, people_2a IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        with pytest.raises(OperationalError) as fault:
            stage.do(CASES[verb][0])

    assert getattr(fault.value.orig, "pgcode", "") == "55P03"
    assert time.monotonic() - began < 2
    stage.do(CASES[verb][0])
    assert stage.leftovers() == []


WAITS = {
    "create_index_online": ("CONCURRENTLY", "UPDATE people_1 SET age = age"),
    "create_check_online": ("VALIDATE", "LOCK TABLE people_1 IN SHARE UPDATE EXCLUSIVE MODE"),
}
"""A verb, its statement that nobody queues behind, and what that waits for."""


@pytest.mark.parametrize("verb", list(WAITS))
def test_what_nobody_queues_behind_waits_longer_than_a_lock_timeout(stage, verb):
    """What is cut short would be left INVALID, and nobody would be better off."""
    gentle, holding = WAITS[verb]
    with stage.session() as other:
        waiting = threading.Event()

        def before(statement: str) -> None:
            if gentle in statement and not waiting.is_set():
                other.execute(sa.text(holding))
                waiting.set()

        doing = threading.Thread(target=stage.do, args=CASES[verb][:1], kwargs={"before": before})
        doing.start()
        assert waiting.wait(20)
        doing.join(3 * LOCK_TIMEOUT)
        assert doing.is_alive()
    doing.join(20)

    assert not doing.is_alive()
    assert stage.leftovers() == []


def test_writers_go_on_while_verbs_are_at_work(stage: Stage):
    failed: list[BaseException] = []
    stop = threading.Event()

    def write() -> None:
        number = 100
        try:
            with stage.session() as other:
                while not stop.is_set():
                    number += 1
                    insert = "INSERT INTO people VALUES (3, :n, :n, 3, 1)"
                    other.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
                    other.execute(sa.text(insert), {"n": number})
                    other.commit()
        except DBAPIError as fault:
            failed.append(fault)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(3):
        for up, down in list(CASES.values())[:5]:
            stage.do(up)
            stage.do(down)
    stop.set()
    writer.join()

    assert failed == []
    assert stage.value("SELECT count(*) FROM people WHERE id > 100") > 10


def test_a_connection_that_is_lost_is_told_as_such(stage: Stage):
    """And not as a block that could not end."""

    def lose(statement: str) -> None:
        if statement.startswith("ALTER INDEX"):
            stage.value(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'agentlogger-migrate' AND datname = current_database()"
            )

    with pytest.raises(OperationalError) as fault:
        stage.do(CASES["create_index_online"][0], before=lose)

    assert fault.value.connection_invalidated
    stage.do(CASES["create_index_online"][0])
    assert stage.leftovers() == []
