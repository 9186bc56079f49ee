"""The verbs on tables that Citus distributes; run where AGENTLOGGER_TEST_CITUS_URL names one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url

from agentlogger.migrate.causes import Failed
from tests.migrations.histories import run
from tests.migrations.verbs.frozen import CASES
from tests.migrations.verbs.stage import Stage

URL = os.environ.get("AGENTLOGGER_TEST_CITUS_URL")

pytestmark = pytest.mark.skipif(
    not URL, reason="needs a Citus: set AGENTLOGGER_TEST_CITUS_URL to a database with it"
)

SEQUENTIAL = "-ccitus.multi_shard_modify_mode=sequential"
"""A transaction may touch a reference table and a distributed one in this mode alone."""


@pytest.fixture(params=["a table", "partitioned"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Teams as a reference table, people distributed by their ids, in a schema of its own."""
    schema = f"verbs_{uuid.uuid4().hex[:8]}"
    url = make_url(str(URL)).set(drivername="postgresql+psycopg2")
    run(url, [f"CREATE SCHEMA {schema}"])
    inside = url.update_query_dict({"options": f"{SEQUENTIAL} -csearch_path={schema},public"})
    made = Stage(inside, partitioned=request.param == "partitioned")
    made.run(
        "SELECT create_reference_table('teams')", "SELECT create_distributed_table('people', 'id')"
    )
    yield made
    made.close()
    run(url, [f"DROP SCHEMA {schema} CASCADE"])


@pytest.mark.parametrize(
    "verb",
    [
        "create_index_online",
        "create_foreign_key_online",
        "create_check_online",
        "set_not_null_online",
    ],
)
def test_a_verb_goes_up_and_down_on_a_distributed_table(stage: Stage, verb):
    up, down = CASES[verb]
    before, rows = stage.schema(), stage.rows()

    stage.do(up, up)
    assert stage.leftovers() == []
    stage.do(down, down)

    assert stage.schema() == before
    assert stage.rows() == rows


def test_a_constraint_that_would_take_over_an_index_is_refused_before_anything_is_done(stage):
    before = stage.schema()

    sentence = stage.refusal(
        lambda op: op.create_unique_online("uq_people", "people", ["day", "id", "name"]), Failed
    )
    assert stage.schema() == before
    assert "op.create_index_online('uq_people', ..., unique=True)" in sentence
    columns = ["day", "id", "name"]
    stage.do(lambda op: op.create_index_online("uq_people", "people", columns, unique=True))

    assert stage.leftovers() == []
