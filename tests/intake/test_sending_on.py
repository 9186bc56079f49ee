"""A record that is sent on is the record that it was, wherever it came from."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agentlogger.errors import Refusal
from agentlogger.intake import batches, origin, otlp_writing
from agentlogger.intake.files import exported, parts
from agentlogger.intake.record import Record
from agentlogger.schemas.export import Shape
from agentlogger.schemas.logs import LogRecordSchema
from agentlogger.store import json_text
from tests.intake.readers import corpus
from tests.intake.rows import RECEIVED

HOSTILE = Path(__file__).resolve().parents[1] / "corpus" / "hostile"
READERS = {
    parts.LOGS_PROTOBUF: batches.from_otlp_protobuf,
    parts.TRACES_PROTOBUF: batches.from_otlp_protobuf_spans,
}
SHAPE = Shape(LogRecordSchema)
LATER = RECEIVED + 10**15


def shown(record: Record, identifier: str = "33l5k307bk3jmitdr5s081k000") -> dict[str, Any]:
    """A record as the API shows it, once a database has kept it."""
    row = asdict(record) | {"public_id": identifier, "truncated": None}
    given: dict[str, Any] = orjson.loads(json_text.dump(SHAPE.of(row)))
    return given


def sent_on(given: dict[str, Any], *, plain: bool = False) -> Record:
    """The record that the next server makes of one."""
    part = exported.part(1, given, plain=plain)
    (found,) = READERS[part.door](part.content, LATER).records
    return found


def without_origin(record: Record) -> Record:
    envelope = dict(record.envelope or {})
    assert envelope.pop("origin")["id"]
    return replace(record, envelope=envelope or None)


def same(record: Record) -> Record:
    """What may not change; a database gives back large doubles as plain ones."""
    values = orjson.loads(
        json_text.dump([record.body, record.attributes, record.resource, record.scope])
    )
    names = ("body", "attributes", "resource", "scope")
    plain = dict(zip(names, values, strict=True))
    return replace(record, received_ns=0, identity=None, completes=False, **plain)


def assert_is_sent_on_as_it_was(record: Record) -> None:
    found = sent_on(shown(record))

    assert same(without_origin(found)) == same(record)
    again = sent_on(shown(found, "another"))
    assert again.envelope["origin"]["id"] == found.envelope["origin"]["id"]
    assert again.identity == found.identity is not None


def emitted() -> list[Any]:
    found = {scenario.name: scenario.requests for scenario in corpus.scenarios()}
    return [pytest.param(requests, id=name) for name, requests in found.items()]


@pytest.mark.parametrize("requests", emitted())
def test_what_each_emitter_sends_is_sent_on_as_it_was(requests):
    for record in corpus.read(requests):
        assert_is_sent_on_as_it_was(record)


def hostile() -> list[Any]:
    """Every file of hostile bodies that is read at all, with what reads it."""
    found = []
    for path in sorted(path for path in HOSTILE.iterdir() if path.is_file()):
        for prefix, reader in (
            ("native", lambda body, now: batches.from_native(body, now, lines=False)),
            ("native", lambda body, now: batches.from_native(body, now, lines=True)),
            ("otlp", batches.from_otlp_json),
            ("otlp", batches.from_otlp_protobuf),
            ("traces", batches.from_otlp_json_spans),
        ):
            if not path.name.startswith(prefix):
                continue
            try:
                records = reader(path.read_bytes(), RECEIVED).records
            except Refusal:
                continue
            if records:
                found.append(pytest.param(records, id=path.name))
    return found


@pytest.mark.parametrize("records", hostile())
def test_what_is_hostile_is_sent_on_as_it_was(records):
    for record in records:
        assert_is_sent_on_as_it_was(record)


def native(**fields: Any) -> Record:
    (record,) = batches.from_native(json.dumps(fields).encode(), RECEIVED, lines=False).records
    return record


def test_the_library_reads_what_is_written_and_finds_nothing_it_does_not_know():
    for requests in emitted():
        for record in corpus.read(requests.values[0]):
            given = shown(record)
            is_span = otlp_writing.is_span(given)
            kind = ExportTraceServiceRequest if is_span else ExportLogsServiceRequest
            written = otlp_writing.export(given)
            message = kind.FromString(written)
            message.DiscardUnknownFields()
            assert kind.FromString(message.SerializeToString()) == message
            assert len(message.SerializeToString()) == len(written)


def test_a_record_without_any_identity_is_known_by_where_it_was_first():
    record = native(body="b")
    first, second = (sent_on(shown(record, identifier)) for identifier in ("one", "two"))

    assert record.identity is None
    assert first.identity != second.identity
    assert first.identity == sent_on(shown(record, "one")).identity


def test_an_identity_of_its_own_goes_before():
    record = native(body="b", attributes={"log.record.uid": "u"})

    assert sent_on(shown(record)).identity == record.identity


def test_another_program_is_sent_no_word_of_ours_where_it_is_to_be_plain():
    found = sent_on(shown(native(body="b", x=1)), plain=True)

    assert (found.attributes, found.envelope) == ({"x": 1}, None)


@pytest.mark.parametrize(
    "forged",
    ["text", {}, {"id": ""}, {"id": 5}, {"id": "x" * 65}, {"adjustments": [["text.nul", 1, ""]]}],
)
def test_what_is_no_origin_stays_an_attribute(forged):
    record = native(body="b", attributes={origin.ATTRIBUTE: forged})

    assert record.attributes == {origin.ATTRIBUTE: forged}
    assert (record.envelope, record.identity) == (None, None)


def test_an_origin_makes_no_rule_and_no_column_of_its_own():
    told = {
        "id": "x", "severity_number": 24, "model": "gpt", "time_source": "emitted",
        "adjustments": [["no.rule", 1, ""], ["text.nul", -1, ""], ["text.nul", 1], 5],
    }  # fmt: skip
    record = native(body="b", attributes={origin.ATTRIBUTE: told})

    assert (record.adjustments, record.model, record.severity_number) == (None, None, 9)
    assert record.envelope == {"origin": {"id": "x"}}
