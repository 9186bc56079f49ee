"""Spans: both encodings become the same records, and a span's events are records within it."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agentlogger.errors import BodyTooLarge, BodyUndecodable
from agentlogger.intake import batches
from agentlogger.intake.record import Batch, Record
from tests.intake.drawn_exports import counts, maps, texts, values
from tests.intake.exports import Map, one
from tests.intake.exports import json_text as json_logs
from tests.intake.exports import protobuf as protobuf_logs
from tests.intake.span_exports import Event, Link, Span, json_text, protobuf

TRACE, SPAN, PARENT = bytes(range(1, 17)), bytes(range(1, 9)), bytes(range(2, 10))
START, SECOND = 1_795_331_040_000_000_000, 10**9

times = st.one_of(st.just(0), st.integers(0, 2**64 - 1), st.integers(START, START + 9))
names = st.one_of(texts, st.sampled_from(["chat", "exception", "codex.api_error"]))
trace_ids = st.one_of(st.binary(max_size=24), st.binary(min_size=16, max_size=16))
span_ids = st.one_of(st.binary(max_size=12), st.binary(min_size=8, max_size=8))
spans = st.builds(
    Span,
    trace_id=trace_ids,
    span_id=span_ids,
    trace_state=texts,
    parent=span_ids,
    name=names,
    kind=st.integers(0, 7),
    start=times,
    end=times,
    attributes=maps(values),
    dropped=counts,
    events=st.lists(
        st.builds(Event, time=times, name=names, attributes=maps(values), dropped=counts),
        max_size=2,
    ),
    dropped_events=counts,
    links=st.lists(
        st.builds(
            Link,
            trace_id=trace_ids,
            span_id=span_ids,
            trace_state=texts,
            attributes=maps(values),
            dropped=counts,
            flags=counts,
        ),
        max_size=2,
    ),
    dropped_links=counts,
    status=st.integers(0, 4),
    status_message=texts,
    flags=counts,
)

RECEIVED = 1_795_331_040_000_000_000


def told(batch: Batch) -> str:
    return repr([asdict(each) for each in batch.records] + sorted(batch.adjusted.items()))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spans, max_size=3), maps(values), texts)
def test_the_same_spans_become_the_same_records(
    sent: list[Span], resource: Map, scope: str
) -> None:
    # Where no span has a trace id, they may be taken for log records in protobuf.
    assume(not sent or any(len(span.trace_id) == 16 for span in sent))
    of_protobuf = batches.from_otlp_protobuf_spans(protobuf(sent, resource, scope), RECEIVED)
    of_json = batches.from_otlp_json_spans(json_text(sent, resource, scope), RECEIVED)
    assert told(of_protobuf) == told(of_json)
    assert len(of_json.records) == sum(1 + len(span.events) for span in sent)


def records(*sent: Span) -> list[Record]:
    return batches.from_otlp_json_spans(json_text(list(sent)), RECEIVED).records


def span(**fields: object) -> Span:
    given = {"trace_id": TRACE, "span_id": SPAN, "start": START, "end": START + SECOND}
    return Span(**{**given, **fields})  # type: ignore[arg-type]


def test_a_span_is_a_record_from_its_start_to_its_end() -> None:
    (found,) = records(span(name="chat gpt-5", kind=3, parent=PARENT, trace_state="a=b", status=1))
    assert (found.ts_ns, found.duration_ns, found.ts_source) == (START, SECOND, "emitted")
    assert (found.event, found.event_name, found.kind) == ("chat gpt-5", "chat gpt-5", "span")
    assert (found.trace_id, found.span_id) == (TRACE.hex(), SPAN.hex())
    assert (found.parent_span_id, found.run_id) == (PARENT.hex(), TRACE.hex())
    assert found.ok is True
    assert found.envelope == {"span": {"kind": "client", "trace_state": "a=b"}}


def test_what_no_column_takes_is_in_the_envelope() -> None:
    link = Link(TRACE, PARENT, attributes=Map([("a", 1)]), flags=1)
    (found,) = records(span(links=[link], dropped_events=2, dropped_links=3, dropped=4, kind=77))
    assert found.envelope == {
        "dropped_attributes_count": 4,
        "span": {
            "kind": 77,
            "links": [
                {
                    "trace_id": TRACE.hex(),
                    "span_id": PARENT.hex(),
                    "attributes": {"a": 1},
                    "flags": 1,
                }
            ],
            "dropped_events_count": 2,
            "dropped_links_count": 3,
        },
    }


@pytest.mark.parametrize(
    ("status", "attributes", "ok"),
    [
        (0, Map(), None),
        (1, Map(), True),
        (2, Map(), False),
        (1, Map([("error.type", "timeout")]), False),
        (0, Map([("http.response.status_code", 500)]), False),
        (0, Map([("http.response.status_code", 200)]), True),
        (2, Map([("http.response.status_code", 200)]), False),
    ],
)
def test_a_span_worked_or_failed_as_its_status_says_and_its_attributes(
    status: int, attributes: Map, ok: bool | None
) -> None:
    (found,) = records(span(status=status, attributes=attributes))
    assert found.ok is ok
    assert (found.severity_number, found.severity_source) == (17 if ok is False else 9, "derived")


def test_the_message_of_a_failure_is_the_error() -> None:
    (found,) = records(span(status=2, status_message="it broke"))
    assert found.error_message == "it broke"
    (fine,) = records(span(status=1, status_message="all well"))
    assert fine.error_message is None


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ([("gen_ai.operation.name", "chat")], "llm"),
        ([("gen_ai.operation.name", "execute_tool")], "tool"),
        ([("openinference.span.kind", "LLM")], "llm"),
        ([("openinference.span.kind", "CHAIN")], "span"),
        ([("traceloop.span.kind", "workflow")], "agent"),
        ([("langsmith.span.kind", "tool")], "tool"),
        ([("ai.operationId", "ai.streamText.doStream")], "llm"),
        ([("logfire.span_type", "log")], "log"),
        ([("gen_ai.operation.name", "novel"), ("langsmith.span.kind", "llm")], "llm"),
        ([("gen_ai.operation.name", 7)], "span"),
    ],
)
def test_a_spans_kind_is_found_under_every_name(attributes: list, kind: str) -> None:
    (found,) = records(span(attributes=Map(attributes)))
    assert found.kind == kind


def test_the_level_of_a_log_that_is_sent_as_a_span_counts() -> None:
    (found,) = records(span(attributes=Map([("logfire.level_num", 17)])))
    assert (found.severity_number, found.severity_source) == (17, "emitted")


def test_an_event_is_a_record_of_its_span() -> None:
    attributes = Map([("exception.type", "ValueError"), ("exception.message", "no")])
    event = Event(START + 5, "exception", attributes, 2)
    parent, found = records(span(events=[event]))
    assert (found.ts_ns, found.event, found.kind) == (START + 5, "exception", "error")
    assert (found.trace_id, found.span_id) == (parent.trace_id, parent.span_id)
    assert (found.error_type, found.error_message) == ("ValueError", "no")
    assert (found.ok, found.severity_number) == (False, 17)
    assert found.envelope == {"dropped_attributes_count": 2}
    assert found.duration_ns is None


def test_spans_and_events_have_identities_of_their_own() -> None:
    events = [Event(START, "a"), Event(START, "a")]
    found = records(span(events=events), span(span_id=PARENT, events=events))
    assert len({each.identity for each in found}) == len(found) == 6
    again = records(span(name="other", events=events))
    assert [each.identity for each in again] == [each.identity for each in found[:3]]


@pytest.mark.parametrize("missing", ["trace_id", "span_id"])
def test_a_span_without_an_id_is_kept_and_has_no_identity(missing: str) -> None:
    found = records(span(**{missing: bytes(16)}, events=[Event()]))
    assert [each.identity for each in found] == [None, None]


@pytest.mark.parametrize(
    ("start", "end", "duration", "noted"),
    [
        (START, 0, None, False),
        (START, START, 0, False),
        (START, START - 1, None, True),
        (START, 2**64 - 1, None, True),
        (0, START, None, False),
    ],
)
def test_a_span_takes_as_long_as_it_says(
    start: int, end: int, duration: int | None, *, noted: bool
) -> None:
    (found,) = records(span(start=start, end=end))
    assert found.duration_ns == duration
    assert found.completes is (duration is not None)
    assert ("span.end" in (found.adjustments or {})) is noted


def test_names_of_enums_are_read_and_counted() -> None:
    body = (
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER",'
        b'"status":{"code":"STATUS_CODE_ERROR"}}]}]}]}'
    )
    batch = batches.from_otlp_json_spans(body, RECEIVED)
    assert batch.records[0].envelope == {"span": {"kind": "server"}}
    assert batch.records[0].ok is False
    assert batch.adjusted == {"enum.name": 2}


def test_lists_that_are_none_cost_only_themselves() -> None:
    body = (
        b'{"resource_spans":[{"scope_spans":[{"spans":[5,{"name":"a","events":7,"links":[null]},'
        b'{"name":"b","events":["x",{"name":"c"}]}]}]}]}'
    )
    batch = batches.from_otlp_json_spans(body, RECEIVED)
    assert [each.event for each in batch.records] == ["a", "b", "c"]
    assert batch.positions == [1, 2, 2]
    assert [(each.index, each.code) for each in batch.rejections] == [(0, "record.not_object")]
    assert batch.adjusted["field.invalid"] == 3


def test_logs_at_the_door_for_traces_are_recognised() -> None:
    export = one(body="hello", severity=9, severity_text="INFO", time=START)
    for body, read in (
        (protobuf_logs(export), batches.from_otlp_protobuf_spans),
        (json_logs(export), batches.from_otlp_json_spans),
    ):
        with pytest.raises(BodyUndecodable, match="/v1/logs"):
            read(body, RECEIVED)


def test_spans_at_the_door_for_logs_are_recognised() -> None:
    with pytest.raises(BodyUndecodable, match="send it to /v1/traces"):
        batches.from_otlp_protobuf(protobuf([span()]), RECEIVED)
    with pytest.raises(BodyUndecodable, match="/v1/traces"):
        batches.from_otlp_json(json_text([span()]), RECEIVED)


def test_a_deep_attribute_of_an_event_is_read_to_the_same_depth() -> None:
    value: object = "deep"
    for _ in range(70):
        value = Map([("a", value)])
    sent = [span(events=[Event(attributes=Map([("x", value)]))])]
    of_protobuf = batches.from_otlp_protobuf_spans(protobuf(sent), RECEIVED)
    of_json = batches.from_otlp_json_spans(json_text(sent), RECEIVED)
    assert told(of_protobuf) == told(of_json)
    assert of_json.adjusted == {"depth.cut": 1}


def test_the_events_of_spans_count_as_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "RECORDS", 3)
    assert len(records(span(events=[Event(), Event()]))) == 3
    with pytest.raises(BodyTooLarge):
        records(span(events=[Event(), Event(), Event()]))
