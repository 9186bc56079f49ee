"""Every export that OTLP/HTTP 1.11.0 allows is taken, and answered in its own encoding."""

from __future__ import annotations

import json
import time

import pytest

from tests.conformance.exports import (
    ENCODINGS,
    LOGS,
    METRICS,
    SIGNALS,
    SQUEEZERS,
    TRACES,
    export,
    one,
    raw_deflate,
    require_success,
    require_taken,
    written,
)
from tests.conformance.target import JSON, PROTOBUF, Target

PIECE_BYTES = 50
"""Small, so that a chunked body has many chunks."""


def names(records: list[dict] | None, signal) -> list[str] | None:
    """What the records read back are called, in the order of sending."""
    if records is None:
        return None
    field = "body" if signal is LOGS else "event"
    return [record[field] for record in reversed(records)]


@SIGNALS
@ENCODINGS
@pytest.mark.parametrize("squeezer", SQUEEZERS)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_an_export_is_taken_however_it_is_packed(
    *, target: Target, session, signal, media_type, squeezer, chunked
):
    records = [one(signal, f"record {number}") for number in range(3)]
    body = SQUEEZERS[squeezer](written(signal, media_type, export(signal, session, *records)))
    pieces = (body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES))
    answer = target.post(signal.path, pieces if chunked else body, media_type, squeezer)

    require_success(answer, signal, media_type)
    found = names(target.stored(session), signal)
    assert found in (None, ["record 0", "record 1", "record 2"])


@SIGNALS
@ENCODINGS
def test_an_export_without_a_content_encoding_is_taken(target: Target, session, signal, media_type):
    answer = target.post(
        signal.path, written(signal, media_type, export(signal, session)), media_type
    )

    require_success(answer, signal, media_type)


def test_deflate_is_read_without_zlibs_header_too(target: Target, session):
    body = raw_deflate(written(LOGS, JSON, export(LOGS, session)))

    require_success(target.post(LOGS.path, body, JSON, "deflate"), LOGS, JSON)


@pytest.mark.parametrize(
    ("sent_as", "media_type"),
    [
        ("application/json; charset=utf-8", JSON),
        ("application/json;charset=UTF-8", JSON),
        ("Application/JSON", JSON),
        ("application/x-protobuf; messageType=x", PROTOBUF),
        ("APPLICATION/X-PROTOBUF", PROTOBUF),
    ],
)
@SIGNALS
def test_a_media_type_is_read_in_any_case_and_without_its_parameters(
    target: Target, session, signal, sent_as, media_type
):
    answer = target.post(signal.path, written(signal, media_type, export(signal, session)), sent_as)

    require_success(answer, signal, media_type)


@SIGNALS
@ENCODINGS
def test_an_export_of_nothing_is_a_success(door: Target, signal, media_type):
    nothing = [
        {},
        {signal.resources: []},
        {signal.resources: [{}]},
        {signal.resources: [{signal.scopes: [{signal.records: []}]}]},
    ]
    for content in nothing:
        answer = door.post(signal.path, written(signal, media_type, content), media_type)
        require_success(answer, signal, media_type)


@SIGNALS
def test_unknown_fields_are_ignored_in_json(target: Target, session, signal):
    content = export(signal, session, one(signal, unknown={"deep": [1, None]}))
    content["another"] = 5
    content[signal.resources][0]["yetAnother"] = "x"
    answer = target.post(signal.path, json.dumps(content).encode(), JSON)

    require_success(answer, signal, JSON)
    assert names(target.stored(session), signal) in (None, ["hello"])


@SIGNALS
def test_unknown_fields_are_ignored_in_protobuf(target: Target, session, signal):
    # Field 99, once a number and once a text.
    unknown = b"\x98\x06\x05" + b"\x9a\x06\x03abc"
    body = written(signal, PROTOBUF, export(signal, session)) + unknown
    answer = target.post(signal.path, body, PROTOBUF)

    require_success(answer, signal, PROTOBUF)
    assert names(target.stored(session), signal) in (None, ["hello"])


@ENCODINGS
def test_metrics_are_answered_without_an_error(target: Target, session, media_type):
    """Agents export metrics beside the rest, and log an error each minute where that is a 404."""
    body = written(METRICS, media_type, export(METRICS, session))
    answer = target.post(METRICS.path, body, media_type)

    assert (answer.status, answer.media_type) == (200, media_type)


@SIGNALS
@ENCODINGS
def test_many_records_are_taken_at_once(target: Target, session, signal, media_type):
    """512 are what SDKs send, and a Collector sends 8192."""
    records = [one(signal, str(number)) for number in range(1_000)]
    body = written(signal, media_type, export(signal, session, *records))
    answer = target.post(signal.path, body, media_type, "")

    require_success(answer, signal, media_type)
    found = target.stored(session)
    assert found is None or len(found) == len(records)


@ENCODINGS
def test_spans_that_are_sent_again_are_stored_once(target: Target, session, media_type):
    body = written(TRACES, media_type, export(TRACES, session, one(TRACES), one(TRACES)))
    for _ in range(3):
        require_success(target.post(TRACES.path, body, media_type), TRACES, media_type)

    found = target.stored(session)
    assert found is None or len(found) == 2


@SIGNALS
@ENCODINGS
@pytest.mark.parametrize("squeezer", ["identity", "gzip"])
def test_a_retry_byte_for_byte_is_stored_once(
    *, target: Target, session, signal, media_type, squeezer
):
    """SDKs send the same bytes again where an answer did not reach them."""
    content = export(signal, session, one(signal, "a"), one(signal, "b"))
    body = SQUEEZERS[squeezer](written(signal, media_type, content))
    for _ in range(3):
        answer = target.post(signal.path, body, media_type, squeezer)
        require_success(answer, signal, media_type)

    found = target.stored(session)
    assert found is None or len(found) == 2


@ENCODINGS
def test_a_record_with_a_name_of_its_own_is_stored_once(target: Target, session, media_type):
    uid = [{"key": "log.record.uid", "value": {"stringValue": session}}]
    for _ in range(3):
        body = written(LOGS, media_type, export(LOGS, session, one(LOGS, attributes=uid)))
        require_success(target.post(LOGS.path, body, media_type), LOGS, media_type)

    found = target.stored(session)
    assert found is None or len(found) == 1


@SIGNALS
@ENCODINGS
def test_a_record_of_any_time_is_taken(target: Target, session, signal, media_type):
    """Unknown, the first and last nanosecond of what databases hold, and beyond that."""
    times = {str(n): n for n in (0, 1, 946_684_800_123_456_789, 2**63 - 1, 2**63, 2**64 - 1)}
    field = "timeUnixNano" if signal is LOGS else "startTimeUnixNano"
    end = {} if signal is LOGS else {"endTimeUnixNano": "0"}
    records = [one(signal, name, **{field: name}, **end) for name in times]
    begun = time.time_ns()
    body = written(signal, media_type, export(signal, session, *records))

    require_taken(target.post(signal.path, body, media_type), signal, media_type)
    found = target.stored(session)
    assert found is None or len(found) == len(times)
    for record in found or []:
        sent = times[record["body" if signal is LOGS else "event"]]
        if 0 < sent < 2**63:
            assert int(record["ts_ns"]) == sent
        else:
            assert record["ts_source"] == "received"
            assert int(record["ts_ns"]) >= begun
