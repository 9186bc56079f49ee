"""Workers that are killed at any moment leave whole batches, and the next one does the rest."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from agentlogger.migrate.backfills.progress import FINISHED
from tests.migrations.backfills.filling import TIMES
from tests.migrations.checkout import ROOT

pytestmark = pytest.mark.promise

KILLS = 25

PROGRAM = """
import sys
from sqlalchemy.engine import make_url
from tests.migrations.backfills.filling import KEY, TIMES
from agentlogger.migrate.backfills.worker import Surroundings, Worker
from agentlogger.migrate.options import Options
from agentlogger.migrate.task import DIALECTS

url = make_url(sys.argv[1])
dialect = DIALECTS["postgresql"]
engine = dialect.make_engine(url, writes=True, name="agentlogger-backfill")
options = Options(["backfill-pause=0", "backfill-batch=10ms"], {})
print("begins", flush=True)
while Worker(Surroundings(engine, dialect, options, [KEY]), TIMES).work() == "busy":
    pass
"""


def test_each_row_is_written_once_however_often_workers_are_killed(filling):
    filling.run("INSERT INTO people SELECT i FROM generate_series(2001, 60000) AS i")
    filling.register_times()
    filling.change(batch_rows=100)
    address = filling.url.render_as_string(hide_password=False)
    done, killed = [], 0

    for _ in range(KILLS):
        worker = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, address], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begins\n"
        time.sleep(random.uniform(0.01, 0.25))
        os.kill(worker.pid, signal.SIGKILL)
        killed += worker.wait() == -signal.SIGKILL
        worker.stdout.close()
        done.append(filling.one().rows_done)
        assert max(filling.times()) <= 1

    assert killed > 1
    assert done == sorted(done)
    assert len({one for one in done if 0 < one < 60_000}) > 0
    deadline = time.monotonic() + 60
    while filling.worker(TIMES).work() != FINISHED:
        # The server has not noticed yet that the last one was killed.
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert filling.times() == {1: 60_000}


def test_the_server_forgets_what_a_killed_worker_was_about_to_do(filling):
    filling.register_times()
    with filling.engine.connect() as holder:
        holder.execute(sa.text("SELECT FROM people WHERE id = 500 FOR UPDATE"))
        program = PROGRAM.replace('"backfill-batch=10ms"', '"backfill-lock-timeout=60"')
        address = filling.url.render_as_string(hide_password=False)
        worker = subprocess.Popen(
            [sys.executable, "-c", program, address], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        deadline = time.monotonic() + 30
        while filling.rows(waits) == [0]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()
        holder.rollback()

    while filling.worker(TIMES).work() != FINISHED:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert filling.times() == {1: 2_000}
