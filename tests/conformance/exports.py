"""Exports of one signal in one encoding, and what their answers must be like.

A record is written once, as OTLP/JSON; protobuf is made of it.
"""

from __future__ import annotations

import base64
import gzip
import json
import time
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import zstandard
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.conformance.target import JSON, PROTOBUF, Answer

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
IDS = ("traceId", "spanId", "parentSpanId")


@dataclass(frozen=True)
class Signal:
    """One kind of export: where it goes, and the names of its fields."""

    name: str
    request: type[Message]
    response: type[Message]
    resources: str
    scopes: str
    records: str
    refused: str

    @property
    def path(self) -> str:
        """Where it goes."""
        return f"/v1/{self.name}"


LOGS = Signal(
    "logs", ExportLogsServiceRequest, ExportLogsServiceResponse,
    "resourceLogs", "scopeLogs", "logRecords", "rejectedLogRecords",
)  # fmt: skip
TRACES = Signal(
    "traces", ExportTraceServiceRequest, ExportTraceServiceResponse,
    "resourceSpans", "scopeSpans", "spans", "rejectedSpans",
)  # fmt: skip
METRICS = Signal(
    "metrics", ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    "resourceMetrics", "scopeMetrics", "metrics", "rejectedDataPoints",
)  # fmt: skip


def raw_deflate(content: bytes) -> bytes:
    """Deflate without zlib's header, as some clients understand the word."""
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(content) + squeeze.flush()


SQUEEZERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
}

SIGNALS = pytest.mark.parametrize("signal", [LOGS, TRACES], ids=["logs", "traces"])
ENCODINGS = pytest.mark.parametrize("media_type", [PROTOBUF, JSON], ids=["protobuf", "json"])


def one(signal: Signal, name: str = "hello", **fields: Any) -> dict[str, Any]:
    """A record of a signal in OTLP/JSON; `fields` stand in the place of its own."""
    now = time.time_ns()
    if signal is LOGS:
        return {"timeUnixNano": str(now), "body": {"stringValue": name}} | fields
    if signal is TRACES:
        own = {"traceId": TRACE_ID, "spanId": uuid.uuid4().hex[:16]}
        times = {"startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1_000_000)}
        return own | {"name": name, "kind": 1} | times | fields
    point = {"timeUnixNano": str(now), "asInt": "1"}
    return {"name": name, "gauge": {"dataPoints": [point]}} | fields


def export(signal: Signal, session: str, *records: Any) -> dict[str, Any]:
    """An export in OTLP/JSON by an agent in a session; one record where none is given."""
    resource = {"attributes": [{"key": "session.id", "value": {"stringValue": session}}]}
    scope = {"scope": {"name": "conformance"}, signal.records: list(records or [one(signal)])}
    return {signal.resources: [{"resource": resource, signal.scopes: [scope]}]}


def written(signal: Signal, media_type: str, content: dict[str, Any]) -> bytes:
    """An export as bytes."""
    if media_type == JSON:
        return json.dumps(content).encode()
    request = json_format.ParseDict(ids_in_base64(content), signal.request())
    return bytes(request.SerializeToString())


def ids_in_base64(value: Any) -> Any:
    """Protobuf's own JSON has all bytes in base64, OTLP/JSON has ids in hex."""
    if isinstance(value, list):
        return [ids_in_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(bytes.fromhex(item)).decode() if key in IDS else ids_in_base64(item)
        for key, item in value.items()
    }


def require_success(answer: Answer, signal: Signal, media_type: str) -> None:
    """Check the answer to an export of which everything was taken: it is empty."""
    assert answer.status == 200, answer
    assert answer.media_type == media_type
    if media_type == JSON:
        assert json.loads(answer.body) == {}
    else:
        assert answer.body == b"", signal.response.FromString(answer.body)


def require_taken(answer: Answer, signal: Signal, media_type: str) -> str:
    """Check the answer to an export that was taken, with a warning or without; return that."""
    refused, message = partial_success(answer, signal, media_type)
    assert refused == 0, message
    return message


def partial_success(answer: Answer, signal: Signal, media_type: str) -> tuple[int, str]:
    """How many records were refused, and the message; 0 and "" for full success."""
    assert answer.status == 200, answer
    assert answer.media_type == media_type
    if media_type == JSON:
        told = json.loads(answer.body)
        assert set(told) <= {"partialSuccess"}
        partial = told.get("partialSuccess", {})
        assert set(partial) <= {signal.refused, "errorMessage"}
        count = partial.get(signal.refused, "0")
        assert isinstance(count, str), "OTLP/JSON writes 64-bit integers as text"
        return int(count), partial.get("errorMessage", "")
    told = json_format.MessageToDict(signal.response.FromString(answer.body))
    partial = told.get("partialSuccess", {})
    return int(partial.get(signal.refused, 0)), partial.get("errorMessage", "")


def require_status(answer: Answer, status: int, media_type: str) -> str:
    """Check an error: a google.rpc.Status in the encoding of the request. Return its message."""
    assert answer.status == status, answer
    assert answer.media_type == media_type, answer
    if media_type == JSON:
        told = json.loads(answer.body)
        assert set(told) <= {"code", "message", "details"}
        message = told["message"]
    else:
        message = Status.FromString(answer.body).message
    assert isinstance(message, str)
    assert message
    return message
