"""Plain JSON: known fields go to their columns, and whatever else was sent is an attribute."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import batches, native
from agentlogger.intake.record import Batch, Record

RECEIVED = 1_795_331_040_000_000_000


def read(body: bytes | str, *, lines: bool = False) -> Batch:
    return batches.from_native(
        body.encode() if isinstance(body, str) else body, RECEIVED, lines=lines
    )


def one(**fields: Any) -> Record:
    (record,) = read(json.dumps(fields)).records
    return record


def test_one_object_an_array_and_lines_are_the_same_records() -> None:
    alone = read('{"message":"hi","n":1}').records
    assert read('[{"message":"hi","n":1}]').records == alone
    assert read('{"message":"hi","n":1}\n', lines=True).records == alone


def test_every_known_field_has_its_column() -> None:
    record = one(
        time="2026-11-22T10:00:00.123456789Z",
        observed_time="2026-11-22T10:00:01Z",
        severity="warn",
        event="order.refunded",
        body={"order": 7},
        trace_id="5b8efff798038103d269b633813fc60c",
        span_id="eee19b7ec3c1b174",
        resource={"service.name": "shop"},
        scope={"name": "lib", "version": "1"},
        attributes={"n": 1},
        session_id="s",
        prompt_id="p",
        run_id="r",
        user_id="u",
        agent="a",
        model="m",
        provider="pr",
        tool="t",
        tool_call_id="tc",
        error_type="Oops",
        error_message="went wrong",
    )
    assert (record.ts_ns, record.ts_source) == (1795341600123456789, "emitted")
    assert record.observed_ns == 1795341601000000000
    assert (record.severity_number, record.severity_text) == (13, "warn")
    assert (record.event, record.event_name) == ("order.refunded", "order.refunded")
    assert record.body == {"order": 7}
    assert record.trace_id == "5b8efff798038103d269b633813fc60c"
    assert record.span_id == "eee19b7ec3c1b174"
    assert record.resource == {"service.name": "shop"}
    assert record.scope == {"name": "lib", "version": "1"}
    values = ["s", "p", "r", "u", "a", "m", "pr", "t", "tc", "Oops", "went wrong"]
    assert [getattr(record, name) for name in native.READ_BACK] == values
    assert record.attributes == {"n": 1} | dict(zip(native.READ_BACK.values(), values, strict=True))
    assert record.adjustments is None


@pytest.mark.parametrize(
    "fields",
    [
        {"time": {"a": 1}}, {"time": True}, {"time": [1]}, {"observed_time": {}}, {"time": ""},
        {"event": 5}, {"event": {"name": "x"}}, {"event": ""}, {"severity": {"a": 1}},
        {"severity": True}, {"severity": 9.5}, {"severity_number": "9"}, {"level": 30},
        {"level": [1]}, {"trace_id": 5}, {"trace_id": {"a": 1}}, {"span_id": ["x"]},
        {"resource": "x"}, {"resource": [1]}, {"scope": "x"}, {"scope": 5}, {"attributes": "x"},
        {"attributes": [1]}, {"attributes": 5}, {"id": 1.5}, {"id": {"a": 1}}, {"id": True},
        {"id": "x"}, {"id": 7}, {"kind": "llm"}, {"ok": False}, {"flags": 1}, {"unknown": None},
        {"": 1}, {"duration_ns": 5},
    ],
)  # fmt: skip
def test_a_known_field_of_another_type_is_an_attribute_and_so_is_an_unknown_one(
    fields: dict[str, Any],
) -> None:
    record = one(**fields, message="kept")
    assert record.attributes == fields
    assert record.body == "kept"
    assert record.adjustments is None


@pytest.mark.parametrize(
    "name", [*sorted(native.KNOWN), *sorted(native.READ_BACK)], ids=lambda name: name
)
def test_null_means_that_a_known_field_is_unset(name: str) -> None:
    record = one(**{name: None})
    assert record.attributes == {}
    assert (record.ts_ns, record.body, record.adjustments) == (RECEIVED, None, None)


@pytest.mark.parametrize("body", ["", 0, False, [], {}, "text", 1.5, [1, {"a": None}]])
def test_a_body_may_be_any_json(body: Any) -> None:
    record = one(body=body)
    assert (type(record.body), record.body) == (type(body), body)
    assert record.attributes == {}


def test_of_several_names_for_a_field_the_first_is_taken_and_the_others_are_kept() -> None:
    record = one(message="m", msg="s", body=None, event="e", event_name="n", level="l", severity=9)
    assert (record.body, record.event_name, record.severity_number) == ("m", "e", 9)
    assert record.severity_text == "l"
    assert record.attributes == {"msg": "s", "event_name": "n"}


def test_a_field_beside_an_attribute_of_its_name_loses_neither() -> None:
    record = one(foo=1, session_id="top", attributes={"foo": 2, "session.id": "inner"})
    assert record.attributes == {
        "foo": 2, "session.id": "inner", "foo~2": 1, "session.id~2": "top",
    }  # fmt: skip
    assert record.adjustments == {"key.collision": {"count": 2}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1795331040123456789, 1795331040123456789),
        ("1795331040123456789", 1795331040123456789),
        ("2026-11-22T07:04:00.123456789+00:00", 1795331040123456789),
        ("2026-11-22 08:04:00,123456789 +0100", 1795331040123456789),
        (9_223_372_036_854_776, 9_223_372_036_854_776),
    ],
)
def test_a_time_is_iso_or_nanoseconds(given: Any, expected: int) -> None:
    for name in (*native.TIME, native.TIME_NS):
        record = one(**{name: given})
        assert (record.ts_ns, record.ts_source, record.adjustments) == (expected, "emitted", None)
        assert record.attributes == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (1795331040, 1795331040_000_000_000),
        (1795331040.572, 1795331040_572_000_000),
        ("1795331040.572", 1795331040_572_000_000),
        (1795331040572, 1795331040_572_000_000),
        (1795331040572.25, 1795331040_572_250_000),
        (1795331040572001, 1795331040_572_001_000),
        (9_223_372_036, 9_223_372_036_000_000_000),
        (9_223_372_037, 9_223_372_037_000_000),
        (9_223_372_036_854, 9_223_372_036_854_000_000),
        (9_223_372_036_855, 9_223_372_036_855_000),
        (9_223_372_036_854_775, 9_223_372_036_854_775_000),
    ],
)
def test_a_number_in_another_unit_is_read_in_that_and_marked(given: Any, expected: int) -> None:
    for name in native.TIME:
        record = one(**{name: given})
        assert record.ts_ns == expected
        assert record.adjustments == {"time.unit": {"count": 1, "sent": str(given)}}


def test_where_the_field_says_nanoseconds_no_unit_is_guessed() -> None:
    assert one(ts_ns=1795331040).ts_ns == 1795331040
    assert one(ts_ns="1").ts_ns == 1
    assert one(time=5, observed_ns=6).observed_ns == 6


@pytest.mark.parametrize(
    "given",
    [
        "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z", "tomorrow", -5, -0.5, 2**63, 2**64 - 1, 253402300800000000000,
        10**400, 1e300, "1e5", "-1",
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_that_of_receipt_and_is_kept_as_sent(given: Any) -> None:
    record = one(time=given)
    assert (record.ts_ns, record.ts_source) == (RECEIVED, "received")
    assert record.ts_sent == str(given)
    assert set(record.adjustments or {}) == {"time.range"}


def test_a_number_that_is_none_is_no_time_either() -> None:
    (record,) = read('{"time":NaN}').records
    assert (record.ts_ns, record.ts_sent) == (RECEIVED, "nan")


@pytest.mark.parametrize("given", [0, 0.0, "0"])
def test_a_time_of_zero_is_unset(given: Any) -> None:
    record = one(time=given)
    assert (record.ts_ns, record.ts_source, record.ts_sent) == (RECEIVED, "received", None)


@pytest.mark.parametrize(
    ("fields", "number", "text", "source"),
    [
        ({"severity": "INFO"}, 9, "INFO", "emitted"),
        ({"level": "Warning"}, 13, "Warning", "emitted"),
        ({"severity_text": "critical"}, 21, "critical", "emitted"),
        ({"severity_number": 17}, 17, None, "emitted"),
        ({"severity": 17, "severity_text": "Odd"}, 17, "Odd", "emitted"),
        ({"severity": "loud"}, 9, "loud", "derived"),
        ({"severity": 30}, 9, None, "derived"),
        ({}, 9, None, "derived"),
    ],
)
def test_a_severity_is_a_name_or_a_number(
    fields: dict[str, Any], number: int, text: str | None, source: str
) -> None:
    record = one(**fields)
    assert (record.severity_number, record.severity_text) == (number, text)
    assert record.severity_source == source


@pytest.mark.parametrize(("given", "same_as"), [("7", 7), (7, "7"), (2**70, str(2**70))])
def test_an_id_makes_a_record_the_same_as_another(given: Any, same_as: Any) -> None:
    identity = one(id=given, message="a").identity
    assert identity is not None
    assert identity == one(id=same_as, message="b").identity
    assert identity != one(id="8").identity


@pytest.mark.parametrize("given", [None, "", 1.5, True, [], {}])
def test_what_is_no_id_makes_no_record_the_same(given: Any) -> None:
    assert one(id=given).identity is None


def test_ids_that_are_stored_alike_are_still_two() -> None:
    identities = {one(id=given).identity for given in ("\ud800", "\ud801", "\0", "\ufffd")}
    assert len(identities) == 4
    assert None not in identities


@pytest.mark.parametrize("given", [5, None, "text", [1], True])
def test_a_record_that_is_no_object_is_refused_alone(given: Any) -> None:
    batch = read(json.dumps([{"message": "a"}, given, {"message": "b"}]))
    assert [record.body for record in batch.records] == ["a", "b"]
    assert batch.positions == [0, 2]
    (rejection,) = batch.rejections
    assert (rejection.index, rejection.code) == (1, "record.not_object")


def test_an_export_of_otlp_is_refused_with_its_own_door() -> None:
    batch = read(json.dumps([{"resourceSpans": [{}]}, {"resourceSpans": "a text of mine"}]))
    (rejection,) = batch.rejections
    assert (rejection.index, rejection.code) == (0, "record.export")
    assert "send it to /v1/traces" in rejection.reason


def test_a_line_that_is_no_json_is_refused_alone() -> None:
    lines = b'{"message":"a"}\n\n  \r\n{"message":\n{"message":"\xff"}\nnull\n{"message":"b"}\r\n'
    batch = read(lines, lines=True)
    assert [record.body for record in batch.records] == ["a", "b"]
    assert batch.positions == [0, 4]
    assert [(each.index, each.code) for each in batch.rejections] == [
        (1, "record.undecodable"),
        (2, "record.undecodable"),
        (3, "record.not_object"),
    ]
    assert batch.rejections[0].reason.startswith("the line is not JSON (")
    assert batch.rejections[1].reason.startswith("the line is not UTF-8 (")


def test_lines_end_at_line_feeds_only() -> None:
    separators = "\u2028\u2029\x85\x0b\x0c"
    (record,) = read(json.dumps({"message": separators}, ensure_ascii=False), lines=True).records
    assert record.body == separators


@pytest.mark.parametrize("body", [b"", b"\n\n", b" \r\n"])
def test_no_lines_are_no_records(body: bytes) -> None:
    batch = read(body, lines=True)
    assert (batch.records, batch.rejections) == ([], [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "is not JSON"), ("{", "is not JSON"), ("null", "is null, and must be"),
        ('"text"', "is 'text', and must be"), ("5", "is 5, and must be"),
        ("true", "is true, and must be"), ("9" * 5_000, "is 999"),
        ('{"a":1}{"b":2}', "is not JSON"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_record_and_no_array_is_refused(body: str, reason: str) -> None:
    with pytest.raises(BodyUndecodable, match=reason):
        read(body)


NAMES = st.sampled_from([*sorted(native.KNOWN), *sorted(native.READ_BACK), "other", "session.id"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_any_object_is_a_record(fields: dict[str, Any]) -> None:
    record = one(**fields)
    json.dumps(record.attributes, allow_nan=False)
    unknown = {name: item for name, item in fields.items() if name in {"other", "ok"}}
    assert {name for name in unknown if name in record.attributes} == set(unknown)
