"""Backfills through PgBouncer in transaction mode."""

from __future__ import annotations

import threading

import pytest

from agentlogger.migrate.backfills.lease import BUSY
from agentlogger.migrate.backfills.progress import FINISHED
from tests.migrations.backfills.filling import TIMES, Filling
from tests.pgbouncer.test_transaction_mode import left_behind

pytestmark = [
    pytest.mark.parametrize("databases", ["postgresql"], indirect=True),
    pytest.mark.promise,
]
"""On PostgreSQL only: nothing stands in front of a file."""


def test_of_two_workers_one_at_a_time_does_each_row_once_and_no_setting_stays(
    pooler, empty_database_url
):
    filling = Filling(empty_database_url)
    filling.register_times()
    filling.change(batch_rows=100)
    filling.url = pooler.url(empty_database_url)
    ended = []

    def work():
        while (answer := filling.worker(TIMES).work()) == BUSY:
            threading.Event().wait(0.05)
        ended.append(answer)

    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)

    assert ended == [FINISHED, FINISHED]
    assert filling.times() == {1: 2_000}
    assert left_behind(pooler, empty_database_url) == {}
