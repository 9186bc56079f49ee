"""OpenTelemetry's SDK for JavaScript sends JSON, chunked: every field comes back as it was sent.

JavaScript has one kind of number and its exporter writes what JSON cannot hold as null, so what is
expected here is spelled out, as recorded from the exporter itself.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from tests.journeys import node
from tests.journeys.comparing import exactly, sent_part
from tests.journeys.talking import stored_records

VALUES: dict[str, Any] = {
    "text": 'naïve ✓ 漢字 🦜\n"quoted"',
    "text.empty": "",
    "yes": True,
    "no": False,
    "int": 42,
    "int.negative": -7,
    "int.beyond": 2**53,
    "int.huge": "100000000000000000000",
    "double": 0.1 + 0.2,
    "nan": None,
    "infinite": None,
    "bytes": "AAH/",
    "list": ["a", 1, None, True, [], {}],
    "map": {"a": {"b": {"c": [1, "two", 3.5]}}},
    "map.empty": {},
    "null": None,
    "undefined": None,
}
HUGE = {"number.range": {"count": 1}}
"""The mark on a record with an integer beyond 64 bits, which becomes its digits."""


def expected(session: str, seconds: int) -> list[dict[str, Any]]:
    """What the agent sends, in its order."""
    said: list[dict[str, Any]] = [
        {"body": body, "adjustments": HUGE if kind == "int.huge" else None}
        for kind, body in VALUES.items()
    ]
    said += [
        {
            "attributes": VALUES,
            "severity_number": 9,
            "severity_text": "INFO",
            "severity_source": "emitted",
            "adjustments": HUGE,
        },
        {"event_name": "agent.step", "body": {"step": 1}},
        {
            "body": "in a span",
            "severity_number": 19,
            "severity_source": "emitted",
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "b7ad6b7169203331",
            "flags": 1,
        },
        {"body": "at noon", "ts_ns": "1000000000123000000"},
    ]
    return [
        unsaid(session, seconds * 10**9 + number) | record
        for number, record in enumerate(said, start=1)
    ]


def unsaid(session: str, ts_ns: int) -> dict[str, Any]:
    """What the API gives for the fields that a record does not set."""
    return {
        "ts_ns": str(ts_ns),
        "ts_source": "emitted",
        "ts_sent": None,
        "observed_ns": str(ts_ns + 500),
        "severity_number": 9,
        "severity_text": None,
        "severity_source": "derived",
        "event_name": None,
        "body": None,
        "trace_id": None,
        "span_id": None,
        "flags": None,
        "attributes": {},
        "resource": {"session.id": session, "sizes": [1, 2], "ratio": 0.5},
        "scope": {"name": "js.scope", "version": "1.0.0"},
        "adjustments": None,
    }


@pytest.fixture(scope="session")
def packages():
    """The SDK's packages, from npm's registry or the cache."""
    return node.installed_packages()


def test_every_field_of_every_record_comes_back_as_javascript_sent_it(packages, shared_server):
    session, seconds = str(uuid.uuid4()), int(time.time())
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": shared_server.address,
        "JOURNEY_SECONDS": str(seconds),
        "JOURNEY_SESSION": session,
    }
    node.run("agent.cjs", packages, environment)
    read = [sent_part(record) for record in stored_records(shared_server, session=session)]

    wanted = sorted(expected(session, seconds), key=lambda record: -int(record["ts_ns"]))
    assert [record["body"] for record in read] == [record["body"] for record in wanted]
    for found, sent in zip(read, wanted, strict=True):
        assert exactly(found) == exactly(sent)
