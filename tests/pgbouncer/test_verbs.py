"""The verbs of online migrations through PgBouncer in transaction mode."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from tests.migrations.verbs.frozen import CASES
from tests.migrations.verbs.stage import Stage
from tests.pgbouncer.pooler import Pooler
from tests.pgbouncer.test_transaction_mode import left_behind

pytestmark = [
    pytest.mark.parametrize("databases", ["postgresql"], indirect=True),
    pytest.mark.promise,
]
"""On PostgreSQL only: nothing stands in front of a file."""

TABLE_VERBS = [name for name in CASES if name != "add_enum_value"]
LOCKING_VERBS = [name for name in TABLE_VERBS if name != "create_enum"]
"""Those that touch the table: a type is made beside it."""


@pytest.fixture
def stage(pooler: Pooler, empty_database_url: URL) -> Iterator[Stage]:
    """A partitioned table that the verbs reach through the pooler, and the test directly."""
    made = Stage(empty_database_url, partitioned=True)
    made.url = pooler.url(empty_database_url)
    yield made
    made.close()


def test_all_verbs_go_up_and_down_and_no_setting_stays(stage, pooler, empty_database_url):
    before = stage.schema()

    for verb in TABLE_VERBS:
        up, down = CASES[verb]
        stage.do(up)
        assert stage.leftovers() == []
        stage.do(down)
        assert stage.schema() == before, verb
    stage.close()

    assert left_behind(pooler, empty_database_url) == {}


@pytest.mark.parametrize("verb", LOCKING_VERBS)
def test_a_strong_lock_is_waited_for_no_longer_than_it_may(stage, verb, pooler, empty_database_url):
    """Red when a lock timeout is the session's alone, which must not have one behind a pooler."""
    holder = sa.create_engine(empty_database_url, poolclass=sa.NullPool).connect()
    holder.execute(sa.text("LOCK TABLE people, people_1, people_2a IN ACCESS EXCLUSIVE MODE"))
    # Else what waits for ever would let the test wait, too.
    patience = threading.Timer(10, holder.rollback)
    patience.start()
    began = time.monotonic()
    with pytest.raises(sa.exc.OperationalError) as fault:
        stage.do(CASES[verb][0])
    waited = time.monotonic() - began
    patience.cancel()
    holder.close()

    assert getattr(fault.value.orig, "pgcode", "") == "55P03"
    assert waited < 2
    stage.do(CASES[verb][0])
    assert stage.leftovers() == []
    stage.close()
    assert left_behind(pooler, empty_database_url) == {}
