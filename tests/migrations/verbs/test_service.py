"""The verbs on the table that the service writes to, while it makes that table's partitions."""

from __future__ import annotations

import pytest

from agentlogger.models.database import db
from agentlogger.store.clock import day_of, now_ns
from agentlogger.store.postgresql import backend as postgresql
from tests.migrations.verbs.stage import Database
from tests.migrations.verbs.test_meanwhile import facts

pytestmark = pytest.mark.promise

VERBS = (
    lambda op: op.create_index_online(
        "ix_log_records_project_id_session_id_ts_ns_again",
        "log_records",
        ["project_id", "session_id", "ts_ns"],
    ),
    lambda op: op.create_unique_online("uq_log_records", "log_records", ["stray", "ts_ns", "id"]),
    lambda op: op.create_foreign_key_online(
        "fk_log_records_project_id_projects", "log_records", "projects", ["project_id"], ["id"]
    ),
    lambda op: op.create_check_online(op.f("ck_log_records_id"), "log_records", "id >= 0"),
    lambda op: op.set_not_null_online("log_records", "event"),
)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_every_partition_that_the_service_makes_meanwhile_has_all_that_the_others_have(
    app, database_url
):
    """On PostgreSQL only: SQLite has no partitions."""
    database = Database(database_url)
    tomorrow = day_of(now_ns())
    made = 0

    def serve(most: int) -> None:
        nonlocal made
        if made < most:
            made += 1
            with db.engine.begin() as connection:
                postgresql._make_partition(connection, tomorrow + made)

    with app.app_context():
        serve(1)
        for count, verb in enumerate(VERBS, 1):
            # Some of them before each of a verb's first statements.
            database.do(verb, before=lambda _statement, most=4 * count: serve(most))

    assert database.leftovers() == []
    names = [name for (name,) in database.rows(str(postgresql.DAILY_PARTITIONS))]
    assert len(names) == made == 4 * len(VERBS)
    first, *others = [facts(database, name) for name in names]
    assert [one for one in others if one != first] == []
    database.close()
