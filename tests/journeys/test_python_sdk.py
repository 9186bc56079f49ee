"""OpenTelemetry's Python SDK sends, the API gives back: every field as it was sent."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from tests.journeys.comparing import as_read, exactly, sent_part
from tests.journeys.serving import Server
from tests.journeys.talking import get, stored_records

PAGE = 7
"""Small, so that what is read back comes over many pages."""

VALUES: dict[str, Any] = {
    "text": 'naïve ✓ 漢字 🦜 e\u0301 \u202e\n\t"quoted" \\n \\u0000 <b>&amp;</b>',
    "text.empty": "",
    "text.number": "12",
    "text.json": '{"a": [1, null]}',
    "yes": True,
    "no": False,
    "int.zero": 0,
    "int.negative": -1,
    "int.smallest": -(2**63),
    "int.largest": 2**63 - 1,
    "int.beyond_doubles": 2**53 + 1,
    "double.half": 0.5,
    "double.third": 1 / 3,
    "double.negative": -2.75,
    "double.tenth_more": 0.1 + 0.2,
    "double.large": 1.7976931348623157e308,
    "double.small": 2.2250738585072014e-308,
    "bytes": bytes(range(256)),
    "bytes.empty": b"",
    "map": {"a": {"b": {"c": [1, "two", 3.5, None, {"d": b"\xff"}]}}, "e": True},
    "map.empty": {},
    "list": ["a", "b"],
    "list.mixed": [1, "two", 3.5, True, None, b"\0", [[]], {"k": []}],
    "list.empty": [],
    "nothing": None,
}
"""Every kind of AnyValue, with the ends of its range."""

DOUBLES = {
    "whole": 1.0,
    "beyond_integers": 1e16,
    "beyond_64_bits": 1e19,
    "near_the_end": 2.6899203985803013e-303,
}
"""Doubles that turn into integers, or into their neighbours, on the way through another type."""

RESOURCE = {
    "service.name": "journey",
    "service.instance.id": "0b7c1c9e-5a0e-4e2f-9a7a-2a1f0f0c1d11",
    "process.pid": 4_242,
    "process.command_args": ["python", "agent.py"],
    "ratio": 0.25,
    "virtual": False,
}
SCOPES: list[dict[str, Any]] = [
    {"name": "journey.one", "version": "1.2.3", "attributes": {"scope.kind": "first", "n": 1}},
    {"name": "journey.two"},
]


def in_span(trace_id: int, span_id: int, flags: int) -> Any:
    span = SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(span))


def everything() -> list[dict[str, Any]]:
    """What an agent can say: each value as a body, all of them as attributes, and each field."""
    now = time.time_ns()
    later = iter(range(now, now + 10**12, 1_000_003))
    said = [
        {"timestamp": next(later), "body": body, "attributes": {"body.kind": kind}}
        for kind, body in VALUES.items()
    ]
    said += [
        {"timestamp": next(later), "severity_number": number, "severity_text": number.name}
        for number in SeverityNumber
        if number.value
    ]
    said += [
        {"timestamp": next(later), "attributes": VALUES | {"double.whole": 1.0}},
        {"timestamp": next(later), "severity_text": "Level 5"},
        {"timestamp": next(later), "event_name": "journey.step", "body": {"step": 1}},
        {"timestamp": next(later), "context": in_span(2**128 - 1, 2**64 - 1, 1)},
        {"timestamp": next(later), "context": in_span(0x0AF7651916CD43DD8448EB211C80319C, 1, 3)},
        {"timestamp": next(later), "body": "observed earlier", "observed_timestamp": now - 7},
        {"body": "without a time", "observed_timestamp": next(later)},
        {"timestamp": 1, "body": "the first nanosecond"},
        {"timestamp": 2**63 - 1, "body": "the last nanosecond"},
        {"timestamp": 946_684_800_123_456_789, "body": "another day"},
    ]
    twin = next(later)
    said += [{"timestamp": twin, "body": f"twin {number}"} for number in range(3)]
    return said


def send(
    server: Server,
    session: str,
    said: list[dict[str, Any]],
    compression: Compression = Compression.NoCompression,
) -> list[ReadableLogRecord]:
    """Let an agent say it in each of its scopes; return what the SDK's exporters were given."""
    kept = InMemoryLogRecordExporter()
    resource = Resource({"session.id": session, **RESOURCE})
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(kept))
    exporter = OTLPLogExporter(endpoint=f"{server.address}/v1/logs", compression=compression)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    for scope in SCOPES:
        logger = provider.get_logger(**scope)
        for record in said:
            logger.emit(**record)
    provider.shutdown()
    return list(kept.get_finished_logs())


def newest_first(sent: list[ReadableLogRecord]) -> list[dict[str, Any]]:
    """What was sent, in the order of reading: by time, of equal times the later one first."""
    return sorted(map(as_read, reversed(sent)), key=lambda record: -int(record["ts_ns"]))


@pytest.fixture
def session() -> str:
    """The agent's session, by which its records are told from those of other journeys."""
    return str(uuid.uuid4())


@pytest.mark.parametrize(
    "compression", [Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"]
)
def test_every_field_of_every_record_comes_back_as_it_was_sent(shared_server, session, compression):
    expected = newest_first(send(shared_server, session, everything(), compression))
    read = stored_records(shared_server, session=session, page=PAGE)

    assert [record["body"] for record in read] == [record["body"] for record in expected]
    for found, wanted in zip(read, expected, strict=True):
        assert exactly(sent_part(found)) == exactly(wanted)


def test_a_double_comes_back_as_the_double_it_was(shared_server, session):
    said = [{"body": double, "attributes": DOUBLES} for double in DOUBLES.values()]
    expected = newest_first(send(shared_server, session, said))
    found = [sent_part(record) for record in stored_records(shared_server, session=session)]

    assert exactly([record["body"] for record in found]) == exactly(
        [record["body"] for record in expected]
    )
    assert exactly(found) == exactly(expected)


def test_a_record_opened_by_its_id_is_the_one_in_the_list(shared_server, session):
    send(shared_server, session, everything())
    for listed in stored_records(shared_server, session=session)[::10]:
        opened = get(shared_server, f"/api/v1/logs/{listed['id']}").json()
        assert exactly({name: opened[name] for name in listed}) == exactly(listed)
