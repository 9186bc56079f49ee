"""OTLP/JSON as emitters write it: nothing they send is lost, whatever its type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import batches
from agentlogger.intake.record import Batch, Record

RECEIVED = 1_795_331_040_000_000_000
LONG = "9" * 5_000


def export(*records: Any, **around: Any) -> Batch:
    """The batch of an export in JSON; `around` are fields of the resource's wrapper."""
    scope = around.pop("scopeLogs", [{"logRecords": list(records)}])
    body = {"resourceLogs": [{"scopeLogs": scope, **around}]}
    return batches.from_otlp_json(json.dumps(body).encode(), RECEIVED)


def one(**fields: Any) -> Record:
    """The record of an export of one, with these fields."""
    (record,) = export(fields).records
    return record


def marks(record: Record) -> dict[str, Any]:
    return record.adjustments or {}


def written(text: str) -> Record:
    """The record of an export of one, its fields written by hand."""
    body = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{text}}}]}}]}}]}}'
    (record,) = batches.from_otlp_json(body.encode(), RECEIVED).records
    return record


@pytest.mark.parametrize(
    ("value", "expected", "rule"),
    [
        ('{"stringValue":"a"}', "a", None),
        ('{"stringValue":""}', "", None),
        ('{"stringValue":5}', 5, None),
        ('{"stringValue":null}', None, None),
        ('{"intValue":"42"}', 42, None),
        ('{"intValue":42}', 42, None),
        ('{"intValue":42.0}', 42, None),
        ('{"intValue":1.5}', 1.5, None),
        ('{"intValue":"-9223372036854775808"}', -(2**63), None),
        ('{"intValue":9223372036854775807}', 2**63 - 1, None),
        ('{"intValue":9223372036854775808}', "9223372036854775808", "number.range"),
        ('{"intValue":100000000000000000000}', "100000000000000000000", "number.range"),
        ('{"intValue":"100000000000000000000"}', "100000000000000000000", "number.range"),
        (f'{{"intValue":{LONG}}}', LONG, "number.range"),
        (f'{{"intValue":"{LONG}"}}', LONG, "number.range"),
        ('{"intValue":"0042"}', 42, None),
        ('{"intValue":"four"}', "four", None),
        ('{"intValue":"٤"}', "٤", None),
        ('{"intValue":true}', True, None),
        ('{"doubleValue":1.5}', 1.5, None),
        ('{"doubleValue":1}', 1.0, None),
        ('{"doubleValue":"2.5e3"}', 2500.0, None),
        ('{"doubleValue":"1_0"}', "1_0", None),
        ('{"doubleValue":null}', None, None),
        ('{"doubleValue":NaN}', "NaN", "number.not_finite"),
        ('{"doubleValue":"NaN"}', "NaN", "number.not_finite"),
        ('{"doubleValue":"-Infinity"}', "-Infinity", "number.not_finite"),
        ('{"doubleValue":1e999}', "Infinity", "number.not_finite"),
        ('{"doubleValue":-0.0}', 0.0, "number.negative_zero"),
        (f'{{"doubleValue":{LONG}}}', "Infinity", "number.not_finite"),
        ('{"boolValue":true}', True, None),
        ('{"boolValue":"true"}', "true", None),
        ('{"bytesValue":"AAEC"}', "AAEC", None),
        ('{"bytesValue":[0,1]}', [0, 1], None),
        (
            '{"arrayValue":{"values":[{"intValue":"1"},{},{"stringValue":"x"}]}}',
            [1, None, "x"], None,
        ),
        ('{"arrayValue":{"values":null}}', [], None),
        ('{"arrayValue":{}}', [], None),
        ('{"arrayValue":[{"intValue":1},2]}', [1, 2], None),
        ('{"arrayValue":{"values":"x"}}', {"values": "x"}, None),
        ('{"arrayValue":"x"}', "x", None),
        ('{"kvlistValue":{"values":[{"key":"a","value":{"intValue":1}}]}}', {"a": 1}, None),
        ('{"kvlistValue":{"values":[{"key":"a"}]}}', {"a": None}, None),
        ('{"kvlistValue":{"values":[{"value":{"intValue":1}}]}}', {"": 1}, None),
        ('{"kvlistValue":{"values":[{"key":7,"value":{}}]}}', {"7": None}, None),
        ('{"kvlistValue":{"values":["x"]}}', {}, "field.invalid"),
        ('{"kvlistValue":{"a":1}}', {"a": 1}, None),
        ("{}", None, None),
        ("null", None, None),
        ('"bare"', "bare", None),
        ("7", 7, None),
        ('{"free":1,"form":[2]}', {"free": 1, "form": [2]}, None),
        ('{"stringValue":"a","unknown":1}', "a", None),
        ('{"stringValue":"a","intValue":null}', "a", None),
        ('{"stringValue":null,"intValue":null}', None, None),
        ('{"stringValue":"a","intValue":1}', {"stringValue": "a", "intValue": 1}, None),
        ('{"stringValue":"a","stringValue":"b"}', "b", "key.duplicate"),
        ('{"string_value":"a"}', "a", "field.snake_case"),
        ('{"kvlist_value":{"values":[]}}', {}, "field.snake_case"),
        ('{"stringValueStrindex":3}', None, "value.reference"),
        ('{"stringValue":"\\ud800"}', "\ufffd", "text.surrogate"),
        ('{"stringValue":"a\\u0000"}', "a\ufffd", "text.nul"),
    ],
)  # fmt: skip
def test_each_any_value_becomes_the_value_it_stands_for(
    value: str, expected: Any, rule: str | None
) -> None:
    for record in (
        written(f'"body":{value}'),
        written(f'"attributes":[{{"key":"k","value":{value}}}]'),
        written(f'"attributes":{{"k":{value}}}'),
    ):
        found = record.attributes.get("k") if record.attributes else record.body
        assert (type(found), found) == (type(expected), expected)
        assert set(marks(record)) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"1795331040941747768"', (1795331040941747768, "emitted", None)),
        ("1795331040941747768", (1795331040941747768, "emitted", None)),
        ('"1"', (1, "emitted", None)),
        ('"9223372036854775807"', (2**63 - 1, "emitted", None)),
        ("0", (RECEIVED, "received", None)),
        ('"0"', (RECEIVED, "received", None)),
        ("0.0", (RECEIVED, "received", None)),
        ("null", (RECEIVED, "received", None)),
        ('""', (RECEIVED, "received", None)),
        ('"9223372036854775808"', (RECEIVED, "received", "9223372036854775808")),
        ('"18446744073709551615"', (RECEIVED, "received", "18446744073709551615")),
        ("18446744073709551616", (RECEIVED, "received", "18446744073709551616")),
        ('"253402300800000000000"', (RECEIVED, "received", "253402300800000000000")),
        ('"-5"', (RECEIVED, "received", "-5")),
        ("-5", (RECEIVED, "received", "-5")),
        ('"soon"', (RECEIVED, "received", "soon")),
        ('"so\\u0000on"', (RECEIVED, "received", "so\ufffdon")),
        ("1.5", (RECEIVED, "received", "1.5")),
        ("true", (RECEIVED, "received", "true")),
        ('{"a":1}', (RECEIVED, "received", "{'a': 1}")),
        (LONG, (RECEIVED, "received", LONG)),
    ],
)
def test_a_time_is_exact_or_that_of_receipt_with_what_was_sent(
    given: str, expected: tuple[int, str, str | None]
) -> None:
    record = written(f'"timeUnixNano":{given}')
    assert (record.ts_ns, record.ts_source) == expected[:2]
    assert (record.ts_sent or "")[:200] == (expected[2] or "")[:200]
    assert ("time.range" in marks(record)) == (expected[2] is not None)


def test_the_observed_time_stands_in_for_one_that_is_unset_only() -> None:
    assert one(observedTimeUnixNano="5").ts_ns == 5
    assert one(observedTimeUnixNano="5").ts_source == "observed"
    unusable = one(timeUnixNano="-1", observedTimeUnixNano="5")
    assert (unusable.ts_ns, unusable.ts_source, unusable.ts_sent) == (RECEIVED, "received", "-1")
    assert unusable.observed_ns == 5


def test_an_observed_time_that_cannot_be_kept_is_marked() -> None:
    record = one(timeUnixNano="5", observedTimeUnixNano="18446744073709551615")
    assert (record.ts_ns, record.observed_ns) == (5, None)
    assert marks(record) == {"observed_time.range": {"count": 1, "sent": "18446744073709551615"}}
    alone = one(observedTimeUnixNano="18446744073709551615")
    assert (alone.ts_ns, alone.ts_sent) == (RECEIVED, "18446744073709551615")
    assert set(marks(alone)) == {"time.range"}


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-11-22T06:24:00.572Z", (1795328640572000000, "attribute", None)),
        ("9999-12-31T23:59:59-12:00", (RECEIVED, "received", "9999-12-31T23:59:59-12:00")),
        ("0001-01-01T00:00:00+14:00", (RECEIVED, "received", "0001-01-01T00:00:00+14:00")),
        ("yesterday", (RECEIVED, "received", "yesterday")),
        ("", (RECEIVED, "received", None)),
        (5, (RECEIVED, "received", None)),
    ],
)
def test_an_events_own_time_is_the_last_before_that_of_receipt(
    stamp: Any, expected: tuple[int, str, str | None]
) -> None:
    value = {"stringValue": stamp} if isinstance(stamp, str) else {"intValue": stamp}
    record = one(attributes=[{"key": "event.timestamp", "value": value}])
    assert (record.ts_ns, record.ts_source, record.ts_sent) == expected
    assert record.attributes == {"event.timestamp": stamp}


@pytest.mark.parametrize(
    ("given", "number", "source", "rule"),
    [
        (9, 9, "emitted", None),
        ("17", 17, "emitted", None),
        (24, 24, "emitted", None),
        (9.0, 9, "emitted", None),
        (0, 9, "derived", None),
        (25, 9, "derived", "severity.range"),
        (-1, 9, "derived", "severity.range"),
        (2**70, 9, "derived", "field.invalid"),
        ("SEVERITY_NUMBER_WARN", 13, "emitted", "severity.name"),
        ("SEVERITY_NUMBER_UNSPECIFIED", 9, "derived", "severity.name"),
        ("loud", 9, "derived", "field.invalid"),
        (True, 9, "derived", "field.invalid"),
        ({}, 9, "derived", "field.invalid"),
        (None, 9, "derived", None),
    ],
)
def test_a_severity_is_one_of_twenty_four_or_derived(
    given: Any, number: int, source: str, rule: str | None
) -> None:
    record = one(severityNumber=given)
    assert (record.severity_number, record.severity_source) == (number, source)
    assert set(marks(record)) == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("given", "expected", "rule"),
    [
        (3, 3, None), ("3", 3, None), (2**32 - 1, 2**32 - 1, None), (2**32, 0, "field.invalid"),
        (-1, 0, "field.invalid"), ("²", 0, "field.invalid"), (1.5, 0, "field.invalid"),
        (True, 0, "field.invalid"), ([], 0, "field.invalid"), (None, 0, None), ("", 0, None),
    ],
)  # fmt: skip
def test_a_count_has_thirty_two_bits(given: Any, expected: int, rule: str | None) -> None:
    record = one(droppedAttributesCount=given, flags=given)
    assert record.flags == (expected or None)
    assert (record.envelope or {}).get("dropped_attributes_count", 0) == expected
    assert set(marks(record)) == ({rule} if rule else set())


@pytest.mark.parametrize("given", [True, ["a"], {"a": 1}])
def test_a_text_that_is_none_is_marked_with_what_was_sent(given: Any) -> None:
    record = one(severityText=given, eventName=given)
    assert (record.severity_text, record.event_name) == (None, None)
    assert marks(record)["field.invalid"]["count"] == 2
    assert marks(record)["field.invalid"]["sent"].startswith("eventName: ")


def test_a_number_is_taken_for_the_text_that_it_is() -> None:
    assert one(severityText=5).severity_text == "5"


def test_snake_case_is_read_and_counted() -> None:
    body = {
        "resource_logs": [
            {
                "scope_logs": [
                    {"log_records": [{"time_unix_nano": "5", "trace_id": "ab" * 16}]},
                    {"log_records": [{}]},
                ]
            }
        ]
    }
    batch = batches.from_otlp_json(json.dumps(body).encode(), RECEIVED)
    first, second = batch.records
    assert (first.ts_ns, first.trace_id) == (5, "ab" * 16)
    assert marks(first)["field.snake_case"]["count"] == 5
    assert marks(second)["field.snake_case"]["count"] == 3
    assert batch.adjusted == {"field.snake_case": 8}


def test_repeated_keys_are_counted_wherever_they_stand() -> None:
    record = written('"body":{"stringValue":"a"},"body":{"stringValue":"b"}')
    assert record.body == "b"
    assert marks(record) == {"key.duplicate": {"count": 1}}
    pair = '{"key":"a","value":{"intValue":1}},{"key":"a","key":"a","value":{"intValue":2}}'
    record = written(f'"attributes":[{pair}]')
    assert record.attributes == {"a": 2}
    assert marks(record) == {"key.duplicate": {"count": 2}}
    scopes = b'"scopeLogs":[{"scope":{"name":"a","name":"b"},"logRecords":[{}]}]'
    resource = b'"resource":{},"resource":{"attributes":{"a":1,"a":2}}'
    body = b'{"resourceLogs":[],"resourceLogs":[{' + resource + b"," + scopes + b"}]}"
    (record,) = batches.from_otlp_json(body, RECEIVED).records
    assert marks(record) == {"key.duplicate": {"count": 4}}
    assert (record.resource, record.scope) == ({"a": 2}, {"name": "b"})


@pytest.mark.parametrize("given", ["text", 5, True])
def test_attributes_that_are_none_are_marked_and_their_record_is_kept(given: Any) -> None:
    record = one(attributes=given, body={"stringValue": "kept"})
    assert (record.attributes, record.body) == ({}, "kept")
    assert set(marks(record)) == {"field.invalid"}


def test_a_resource_or_scope_that_is_none_is_marked_on_its_records() -> None:
    batch = export(scopeLogs=[{"scope": "s", "logRecords": [{}, {}]}], resource=["r"])
    assert [marks(record)["field.invalid"]["count"] for record in batch.records] == [2, 2]
    assert batch.adjusted == {"field.invalid": 4}


def test_unknown_fields_are_ignored() -> None:
    assert one(body={"stringValue": "b"}, novelty={"deep": [[[1]]]}).body == "b"


@pytest.mark.parametrize("record", [None, 5, "text", ["a"], True])
def test_a_record_that_is_no_object_is_refused_alone(record: Any) -> None:
    batch = export({"body": {"stringValue": "first"}}, record, {"body": {"stringValue": "last"}})
    assert [each.body for each in batch.records] == ["first", "last"]
    assert batch.positions == [0, 2]
    (rejection,) = batch.rejections
    assert (rejection.index, rejection.code) == (1, "record.not_object")
    assert "must be an object" in rejection.reason


def test_a_refused_record_is_shown_shortly_however_large_and_deep_it_is() -> None:
    (rejection,) = export(list(range(10**5))).rejections
    assert rejection.reason.endswith("[0, 1, 2, 3, 4, 5, ...]")
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": ["@"]}]}]})
    body = body.replace('"@"', "[" * 900 + "]" * 900)
    (rejection,) = batches.from_otlp_json(body.encode(), RECEIVED).rejections
    assert len(rejection.reason) < 300


@pytest.mark.parametrize("body", ["{}", '{"resourceLogs":[]}', '{"resourceLogs":null}'])
def test_an_export_without_records_is_an_empty_batch(body: str) -> None:
    batch = batches.from_otlp_json(body.encode(), RECEIVED)
    assert (batch.records, batch.rejections, batch.adjusted) == ([], [], {})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not JSON"),
        ("null", "no ExportLogsServiceRequest"),
        ('"text"', "no ExportLogsServiceRequest"),
        ("5", "no ExportLogsServiceRequest"),
        ("[]", "no ExportLogsServiceRequest"),
        ('{"resourceLogs":{}}', "resourceLogs must be a list"),
        ('{"resourceLogs":[null]}', r"resourceLogs\[0\] must be an object and is null"),
        ('{"resourceLogs":[{"scopeLogs":"x"}]}', "scopeLogs must be a list"),
        ('{"resourceLogs":[{"scopeLogs":[{}, 7]}]}', r"scopeLogs\[1\] must be an object and is 7"),
        ('{"resourceLogs":[{"scopeLogs":[{"logRecords":{}}]}]}', "logRecords must be a list"),
        ('{"resourceSpans":[{}]}', "an export of traces"),
        ('{"resource_metrics":[{}]}', "an export of metrics"),
        ('{"message":"lost otherwise"}', "without resourceLogs.*Plain records go to /api/v1/logs"),
        ('{"data":[{"object":"trace"}]}', "send it to /v1/traces/ingest"),
    ],
)
def test_a_body_that_is_no_export_of_logs_is_refused_with_what_is_wrong(
    body: str, reason: str
) -> None:
    with pytest.raises(BodyUndecodable, match=reason):
        batches.from_otlp_json(body.encode(), RECEIVED)


def test_everything_around_a_record_is_kept() -> None:
    batch = export(
        scopeLogs=[
            {
                "scope": {
                    "name": "n",
                    "version": "v",
                    "attributes": [{"key": "s", "value": {"intValue": 1}}],
                    "droppedAttributesCount": 2,
                },
                "schemaUrl": "scope-schema",
                "logRecords": [{"droppedAttributesCount": 4}],
            }
        ],
        resource={
            "attributes": [{"key": "r", "value": {"boolValue": True}}],
            "droppedAttributesCount": 3,
            "entityRefs": [{"type": "service", "idKeys": ["service.name"], "schemaUrl": ""}, 5],
        },
        schemaUrl="resource-schema",
    )
    (record,) = batch.records
    assert record.resource == {"r": True}
    assert record.scope == {
        "name": "n",
        "version": "v",
        "attributes": {"s": 1},
        "dropped_attributes_count": 2,
    }
    assert record.envelope == {
        "resource_schema_url": "resource-schema",
        "resource_dropped_attributes_count": 3,
        "resource_entity_refs": [{"type": "service", "id_keys": ["service.name"]}, 5],
        "scope_schema_url": "scope-schema",
        "dropped_attributes_count": 4,
    }
    assert record.adjustments is None
