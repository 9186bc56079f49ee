"""/v1/traces stores spans, once; /v1/metrics is taken and not kept; a wrong door says which."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from werkzeug.test import TestResponse

from tests.intake.exports import Map, one
from tests.intake.span_exports import Event, Span, json_text, protobuf
from tests.otlp.exchange import JSON, PROTOBUF, status_message, stored, written

TRACES, METRICS = "/v1/traces", "/v1/metrics"
WRITERS = {PROTOBUF: protobuf, JSON: json_text}
ENCODINGS = pytest.mark.parametrize("content_type", [PROTOBUF, JSON])

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
START, SECOND = 1_795_331_040_000_000_000, 10**9


def span(**fields: Any) -> Span:
    return Span(**{"trace_id": TRACE, "span_id": SPAN, "name": "chat", "start": START} | fields)


def send(client: FlaskClient, content_type: str, *spans: Span) -> TestResponse:
    body = WRITERS[content_type](list(spans))
    return client.post(TRACES, data=body, content_type=content_type)


def told(response: TestResponse) -> tuple[int, str] | None:
    """How many spans were refused and why; None for full success."""
    assert response.status_code == 200, response.data
    if response.content_type == JSON:
        partial = json.loads(response.data).get("partialSuccess")
        return partial and (int(partial["rejectedSpans"]), partial["errorMessage"])
    partial = ExportTraceServiceResponse.FromString(response.data).partial_success
    return (partial.rejected_spans, partial.error_message) if response.data else None


@ENCODINGS
def test_a_span_and_its_events_are_stored(client: FlaskClient, content_type: str) -> None:
    sent = span(end=START + SECOND, kind=3, status=2, events=[Event(START + 1, "exception")])
    response = send(client, content_type, sent)
    assert (told(response), response.content_type) == (None, content_type)
    assert response.data == (b"" if content_type == PROTOBUF else b"{}")
    event, found = stored(client)
    assert (found["event"], found["kind"], found["ok"]) == ("chat", "span", False)
    assert found["duration_ns"] in {SECOND, str(SECOND)}
    assert (event["event"], event["span_id"]) == ("exception", found["span_id"])


@ENCODINGS
def test_a_span_that_is_sent_again_is_stored_once(client: FlaskClient, content_type: str) -> None:
    sent = [span(end=START + SECOND, events=[Event(START, "a"), Event(START, "a")])]
    for _ in range(3):
        assert told(send(client, content_type, *sent)) is None
    assert len(stored(client)) == 3


@ENCODINGS
def test_a_later_span_with_an_end_completes_the_one_without(
    client: FlaskClient, content_type: str
) -> None:
    send(client, content_type, span(attributes=Map([("step", 1)])))
    (begun,) = stored(client)
    assert begun["duration_ns"] is None
    attributes = Map([("step", 2), ("gen_ai.request.model", "gpt-5"), ("big", 1e20)])
    ended = span(end=START + SECOND, status=1, attributes=attributes, events=[Event(START, "a")])
    send(client, content_type, ended)
    found = {item["event"]: item for item in stored(client)}
    assert found.keys() == {"chat", "a"}
    assert found["chat"]["id"] == begun["id"]
    whole = client.get(f"/api/v1/logs/{begun['id']}").get_json()
    assert whole["duration_ns"] in {SECOND, str(SECOND)}
    assert (whole["ok"], whole["model"]) == (True, "gpt-5")
    assert whole["attributes"] == {"step": 2, "gen_ai.request.model": "gpt-5", "big": 1e20}


@ENCODINGS
def test_what_has_ended_is_not_changed_any_more(client: FlaskClient, content_type: str) -> None:
    send(client, content_type, span(end=START + SECOND, name="first"))
    send(client, content_type, span(end=START + 2 * SECOND, name="second"))
    send(client, content_type, span(name="third"))
    assert [item["event"] for item in stored(client)] == ["first"]


@ENCODINGS
def test_a_start_and_an_end_in_one_export_are_one_span(
    client: FlaskClient, content_type: str
) -> None:
    other = span(span_id=bytes(range(3, 11)), end=START + 5)
    send(client, content_type, span(name="begun"), other, span(name="ended", end=START + SECOND))
    assert sorted(item["event"] for item in stored(client)) == ["chat", "ended"]


def test_a_span_completes_no_other_of_its_trace_and_time(client: FlaskClient) -> None:
    twin = span(span_id=bytes(range(4, 12)), name="twin")
    send(client, JSON, span(), twin)
    send(client, JSON, span(end=START + SECOND))
    found = {item["event"]: item["duration_ns"] for item in stored(client)}
    assert found["twin"] is None
    assert found["chat"] is not None


def test_what_is_no_span_is_refused_alone(client: FlaskClient) -> None:
    body = json.loads(json_text([span(), span(span_id=bytes(range(5, 13)))]))
    body["resourceSpans"][0]["scopeSpans"][0]["spans"].insert(1, "x")
    response = client.post(TRACES, data=json.dumps(body), content_type=JSON)
    assert told(response) == (1, "record 1: a span must be an object, and this is 'x'")
    assert len(stored(client)) == 2


@ENCODINGS
@pytest.mark.parametrize("door", [TRACES, METRICS])
def test_an_empty_export_is_a_success(client: FlaskClient, content_type: str, door: str) -> None:
    body = b"" if content_type == PROTOBUF else b"{}"
    response = client.post(door, data=body, content_type=content_type)
    assert (response.status_code, response.data) == (200, body)


@ENCODINGS
def test_logs_at_the_door_for_traces_are_told_where_to_go(
    client: FlaskClient, content_type: str
) -> None:
    body = written(content_type, one(body="hello", severity=9, time=START))
    response = client.post(TRACES, data=body, content_type=content_type)
    assert response.status_code == 400
    assert "/v1/logs" in status_message(response)[1]
    assert stored(client) == []


METRIC_EXPORT = {
    "resourceMetrics": [
        {
            "scopeMetrics": [
                {
                    "metrics": [
                        {"name": "a", "sum": {"dataPoints": [{"asInt": "1"}, {"asInt": "2"}]}},
                        {"name": "b", "gauge": {"dataPoints": [{"asDouble": 1.5}]}},
                        {"name": "c"},
                    ]
                }
            ]
        }
    ]
}


def metric_request() -> bytes:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    counted = metrics.add(name="a").sum.data_points
    counted.add(as_int=1)
    counted.add(as_int=2)
    metrics.add(name="b").gauge.data_points.add(as_double=1.5)
    metrics.add(name="c")
    return request.SerializeToString()


@ENCODINGS
def test_metrics_are_taken_counted_and_not_kept(client: FlaskClient, content_type: str) -> None:
    body = metric_request() if content_type == PROTOBUF else json.dumps(METRIC_EXPORT)
    response = client.post(METRICS, data=body, content_type=content_type)
    assert (response.status_code, response.content_type) == (200, content_type)
    if content_type == PROTOBUF:
        partial = ExportMetricsServiceResponse.FromString(response.data).partial_success
        count, message = partial.rejected_data_points, partial.error_message
    else:
        answer = json.loads(response.data)["partialSuccess"]
        count, message = int(answer["rejectedDataPoints"]), answer["errorMessage"]
    assert count == 3
    assert "metrics are not kept here" in message
    assert stored(client) == []


@ENCODINGS
@pytest.mark.parametrize("door", [TRACES, METRICS])
def test_what_cannot_be_decoded_is_a_400(client: FlaskClient, content_type: str, door: str) -> None:
    response = client.post(door, data=b"\xff\xff", content_type=content_type)
    assert response.status_code == 400
    assert status_message(response)[0] == 3


@pytest.mark.parametrize("door", [TRACES, METRICS])
def test_another_media_type_is_a_415_and_another_method_a_405(
    client: FlaskClient, door: str
) -> None:
    assert client.post(door, data=b"x", content_type="text/plain").status_code == 415
    assert client.get(door).status_code == 405


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v1/traces/v1/traces", "The path is doubled"),
        ("/v1/logs/v1/logs", "adds /v1/logs to OTEL_EXPORTER_OTLP_ENDPOINT by itself"),
        ("/v1/traces/v1/logs", "The path is doubled"),
        ("/v1/profiles", "OTLP goes to /v1/logs, /v1/traces and /v1/metrics"),
        ("/v1development/profiles", "Nothing is at"),
    ],
)
def test_a_wrong_path_is_a_404_that_says_what_is_wrong(
    client: FlaskClient, path: str, said: str
) -> None:
    response = client.post(path, data=b"{}", content_type=JSON)
    assert response.status_code == 404
    assert said in response.get_data(as_text=True)
