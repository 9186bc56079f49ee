"""The second start keeps what the first one stored, and takes seconds."""

from __future__ import annotations

import pytest

from tests.journeys.comparing import exactly
from tests.journeys.exports import protobuf_export
from tests.journeys.serving import serving
from tests.journeys.talking import PROTOBUF, post, stored_records

MOST_SECONDS = 60
"""What a person waits for without wondering; it is about one on two idle cores."""
RECORDS = 500


@pytest.mark.promise  # Its quick sister is in tests/start/test_serve.py.
def test_a_second_start_keeps_the_data_and_takes_seconds(database_address, tmp_path):
    instance = tmp_path / "instance"
    sent = [f"record {number}" for number in range(RECORDS)]
    with serving(database_address, instance) as first:
        assert post(first, "/v1/logs", protobuf_export(sent), PROTOBUF).status == 200
        stored = stored_records(first)
        secret = (instance / "secret_key").read_bytes()
    with serving(database_address, instance, port=first.port) as second:
        assert exactly(stored_records(second)) == exactly(stored)
        # The same key signs sessions, so nobody has to sign in again.
        assert (instance / "secret_key").read_bytes() == secret

        assert post(second, "/v1/logs", protobuf_export(["one more"]), PROTOBUF).status == 200
        bodies = [record["body"] for record in stored_records(second)]
    assert bodies == ["one more", *reversed(sent)]
    assert second.seconds_to_ready < MOST_SECONDS
