"""Whichever worker is asked, and whichever has died, `/metrics` counts what all of them did."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.serving import serving
from tests.journeys.talking import get, post

SENDINGS = 12
TRIES = 8
"""Each on a connection of its own, so that one worker does not answer them all."""


def counted(server) -> set[tuple[float, float]]:
    """What several scrapes say of records sent and stored."""
    found = set()
    for _ in range(TRIES):
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(get(server, "/metrics").body.decode())
            for sample in family.samples
        }
        found.add(
            (
                samples["agentlogger_ingest_sent_records_total", "/api/v1/logs"],
                samples["agentlogger_ingest_records_total", "/api/v1/logs", "stored"],
            )
        )
    return found


def workers_of(server) -> list[int]:
    """The processes that serve."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(child) for child in children.split()]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_counters_are_right_across_workers_and_their_deaths(database_url, tmp_path):
    """On SQLite alone: counters are in memory that workers share, and in no database."""
    url = database_url.render_as_string(hide_password=False).replace("+psycopg2", "")
    with serving(url, tmp_path, settings={"AGENTLOGGER_WORKERS": "2"}) as server:
        for number in range(SENDINGS):
            body = b'[{"message":"%d"},{"message":"again"}]' % number
            assert post(server, "/api/v1/logs", body, "application/json").status == 200
        assert counted(server) == {(2 * SENDINGS, 2 * SENDINGS)}

        dying = workers_of(server)[0]
        os.kill(dying, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while len(alive := workers_of(server)) < 2 or dying in alive:
            assert time.monotonic() < deadline, server.end_of_log()
            time.sleep(0.02)

        assert post(server, "/api/v1/logs", b"{}", "application/json").status == 200
        assert counted(server) == {(2 * SENDINGS + 1, 2 * SENDINGS + 1)}
