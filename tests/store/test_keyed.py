"""Records by their keys: each is looked for, whatever the database knows of its tables."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Integer, String, cast, select

from agentlogger.intake import batches
from agentlogger.models.database import db
from agentlogger.store import appending, projects
from agentlogger.store.keyed import TABLE, found_by_key, key_parameters


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_sqlite_reads_nothing_between_two_keys_where_it_was_never_analysed(app):
    """On SQLite only: PostgreSQL analyses its tables by itself."""
    with app.app_context():
        statement = found_by_key("sqlite", [TABLE.c.body])
        asked = key_parameters(projects.DEFAULT, "sqlite", [(1, 1), (2**62, 2)])
        compiled = statement.compile(db.engine)
        values = tuple(compiled.construct_params(asked)[name] for name in compiled.positiontup)
        with db.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()

    (search,) = [row[-1] for row in plan if "log_records" in row[-1]]
    assert search.startswith("SEARCH")
    assert "ts_ns=?" in search


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_postgresql_judges_nothing_between_two_keys(app):
    """On PostgreSQL only: SQLite judges what it has looked for."""
    bodies = ["1", *['"no number"'] * 200, "2"]
    now = time.time_ns()
    lines = "\n".join(
        f'{{"time": {now + place}, "body": {body}}}' for place, body in enumerate(bodies)
    )
    number = cast(TABLE.c.body.op("#>>", return_type=String)("{}"), Integer)
    found = found_by_key("postgresql", [number.label("number"), (number > 0).label("is_some")])
    asked = found.subquery()
    with app.app_context():
        records = batches.from_native(lines.encode(), now, lines=True).records
        appending.append(projects.DEFAULT, records)
        with db.engine.connect() as connection:
            every = select(TABLE.c.ts_ns, TABLE.c.id).order_by(TABLE.c.ts_ns)
            keys = [tuple(row) for row in connection.execute(every)]
            first_and_last = key_parameters(projects.DEFAULT, "postgresql", [keys[0], keys[-1]])
            # What is no number would be a fault of PostgreSQL's.
            statement = select(asked.c.number).where(asked.c.is_some)
            numbers = connection.execute(statement, first_and_last).scalars().all()

    assert sorted(numbers) == [1, 2]
