"""How far a backfill has come is told from its row, whichever program has made the table."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from agentlogger.migrate.backfills.progress import NOBODY, backfills
from agentlogger.migrate.ledger import tables

BEFORE = 9
"""The columns that the table had in the first version of this room."""


@pytest.fixture
def connection(project):
    with project.engine.connect() as made:
        yield made


def insert(connection, **given):
    now = time.time_ns()
    row = {
        "name": "users_full_name", "revision": "aaa111", "table_name": "users", "state": "pending",
        "rows_done": 0, "rows_expected": 1000, "begun_ns": now, "changed_ns": now,
    }  # fmt: skip
    connection.execute(tables.BACKFILLS.insert().values(row | given))


def test_a_database_that_was_never_migrated_has_no_backfills(connection):
    assert backfills(connection) == []


def test_a_backfill_that_somebody_works_on_tells_its_rate_and_what_is_left(connection):
    tables.make(connection)
    soon = time.time_ns() + 10**10
    insert(connection, state="running", rows_done=400, rows_per_second=50.0, lease_until_ns=soon)

    (one,) = backfills(connection)

    assert (one.state, one.percent, one.rows_per_second, one.waiting_for) == ("running", 40, 50, "")
    assert one.seconds_left == 12


def test_a_backfill_whose_worker_has_died_says_that_nobody_works_on_it(connection):
    tables.make(connection)
    insert(connection, state="running", rows_done=400, rows_per_second=50.0, lease_until_ns=1)

    (one,) = backfills(connection)

    assert (one.rows_per_second, one.seconds_left, one.waiting_for) == (None, None, NOBODY)


def test_one_that_has_seen_more_rows_than_expected_is_not_at_its_end_before_it_is(connection):
    tables.make(connection)
    insert(connection, state="running", rows_done=2000)

    assert [one.percent for one in backfills(connection)] == [99]

    connection.execute(tables.BACKFILLS.update().values(state="finished"))

    assert [one.percent for one in backfills(connection)] == [100]


def test_a_table_of_an_older_program_gets_the_columns_that_it_lacks_and_keeps_its_rows(connection):
    first = sa.MetaData()
    columns = [column._copy() for column in list(tables.BACKFILLS.c)[:BEFORE]]
    sa.Table("migration_backfills", first, *columns)
    first.create_all(connection)
    connection.commit()
    insert(connection)

    assert backfills(connection) == []
    tables.make(connection)

    assert [one.name for one in backfills(connection)] == ["users_full_name"]
    names = {one["name"] for one in sa.inspect(connection).get_columns("migration_backfills")}
    assert names == {column.name for column in tables.BACKFILLS.c}
