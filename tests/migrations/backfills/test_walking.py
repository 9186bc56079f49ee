"""How a batch finds its rows on PostgreSQL: each of them once, and without reading all others."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.postgresql import backfills
from agentlogger.migrate.postgresql.backfills import KeyWalk
from tests.migrations.project import emptied

RECORDS = (
    "CREATE TABLE records (tenant int, day int, id int, times int DEFAULT 0,"
    " PRIMARY KEY (tenant, day, id))"
)
NUMERICS = RECORDS.replace("day int", "day numeric")
PARTS = (
    f"{RECORDS} PARTITION BY RANGE (day)",
    "CREATE TABLE records_1 PARTITION OF records FOR VALUES FROM (0) TO (500)",
    "CREATE TABLE records_2 PARTITION OF records FOR VALUES FROM (500) TO (100000)",
)
MANY = "INSERT INTO records SELECT 1, n / 40, n FROM generate_series(1, 40000) AS n"
COUNTING = Definition("counting", "records", None, (("times", "times + 1"),), None, (), None)


@pytest.fixture
def connection(postgresql_databases) -> Iterator[sa.Connection]:
    with emptied(postgresql_databases) as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as made:
            yield made


def walk_to_the_end(connection: sa.Connection, rows: int) -> int:
    """Write every row once, in batches; return in how many."""
    walk = KeyWalk(connection, COUNTING)
    end, after, batches = walk.end(connection), None, 0
    assert end is not None
    while (filled := walk.fill(connection, after, end, rows, again=False)).last is not None:
        assert filled.written == filled.walked
        after, batches = filled.last, batches + 1
    return batches


@pytest.mark.parametrize("rows", [1, 7, 64])
@pytest.mark.parametrize(
    "schema",
    [(RECORDS,), (NUMERICS,), PARTS],
    ids=["integers", "numerics", "partitions"],
)
def test_each_row_is_written_once_wherever_batches_end(connection, schema, rows):
    chance = random.Random(rows)
    keys = {
        (chance.randrange(3), chance.randrange(6) * 100, chance.randrange(9)) for _ in range(99)
    }
    for statement in schema:
        connection.exec_driver_sql(statement)
    for tenant, day, number in sorted(keys):
        # 100, 100.0 and 100.00 are one value, and written in three ways.
        written = day if schema != (NUMERICS,) else f"{day}.{'0' * chance.randrange(3)}"
        connection.exec_driver_sql(
            f"INSERT INTO records VALUES ({tenant}, {written}, {number})"  # noqa: S608  (ours)
        )

    batches = walk_to_the_end(connection, rows)

    assert batches == -(-len(keys) // rows)
    counted = "SELECT times, count(*) FROM records GROUP BY times"
    assert connection.exec_driver_sql(counted).all() == [(1, len(keys))]


@pytest.mark.parametrize("schema", [(RECORDS,), PARTS], ids=["one", "parts"])
def test_a_batch_reads_no_more_than_its_part_of_a_tenant(connection, schema, monkeypatch):
    for statement in (
        *schema,
        "INSERT INTO records SELECT 1, n / 40, n FROM generate_series(1, 40000) n",
    ):
        connection.exec_driver_sql(statement)
    read: list[int] = []
    run = KeyWalk._run

    def explained(walk: KeyWalk, given: sa.Connection, statement: str) -> int:
        if not statement.startswith("UPDATE"):
            return run(walk, given, statement)
        asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        (plan,) = given.exec_driver_sql(asked).scalar_one()
        scans = [plan["Plan"]]
        while below := [one for scan in scans for one in scan.get("Plans", [])]:
            scans = below
        read.append(sum(one["Shared Hit Blocks"] + one["Shared Read Blocks"] for one in scans))
        return 0

    monkeypatch.setattr(backfills.KeyWalk, "_run", explained)
    walk = KeyWalk(connection, COUNTING)
    end = walk.end(connection)
    assert end is not None
    for after in (None, ("1", "10", "410"), ("1", "490", "19990"), ("1", "500", "20010")):
        read.clear()
        walk.fill(connection, after, end, 100, again=False)

        assert sum(read) < 50, after
