"""Records by their keys: each is looked for, whatever the database knows of its tables."""

from __future__ import annotations

import pytest

from agentlogger.models.database import db
from agentlogger.store import projects
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
