"""OTLP/HTTP: what OpenTelemetry's SDKs send (specification 1.11.0)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from flask import Blueprint, Response
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agentlogger.blueprints import accounts
from agentlogger.blueprints.admission import admitted
from agentlogger.blueprints.applying import applied
from agentlogger.blueprints.bodies import content_type, discard_body, incoming_body
from agentlogger.blueprints.gate import needs
from agentlogger.blueprints.receiving import append, idempotency_key
from agentlogger.errors import MediaTypeUnsupported
from agentlogger.intake import batches, metrics
from agentlogger.intake.applied import Applied
from agentlogger.intake.record import Batch, Rejection
from agentlogger.intake.storable import RULES
from agentlogger.limits import REASONS

otlp = Blueprint("otlp", __name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

DUPLICATES = "X-AgentLogger-Duplicates"
"""How many records of an export were stored before, for which its answer has no field."""

NOT_KEPT = (
    "metrics are not kept here, so nothing of this was stored: logs and traces are; "
    "OTEL_METRICS_EXPORTER=none stops sending them"
)


@dataclass(frozen=True)
class Answer:
    """How one signal is answered: its response, and its field of what was refused."""

    door: str
    response: Callable[[], Message]
    refused: str
    refused_in_json: str


LOGS = Answer("/v1/logs", ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords")
TRACES = Answer("/v1/traces", ExportTraceServiceResponse, "rejected_spans", "rejectedSpans")
METRICS = Answer(
    "/v1/metrics", ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"
)

Reader = Callable[[bytes, int, Applied], Batch]
LOG_READERS: Mapping[str, Reader] = {
    PROTOBUF: batches.from_otlp_protobuf,
    JSON: batches.from_otlp_json,
}
SPAN_READERS: Mapping[str, Reader] = {
    PROTOBUF: batches.from_otlp_protobuf_spans,
    JSON: batches.from_otlp_json_spans,
}


@otlp.post("/v1/logs")
@needs("ingest")
@admitted
def export_logs() -> Response:
    """Store an export of log records; the answer means that they are on disk."""
    return _store(LOG_READERS, LOGS)


@otlp.post("/v1/traces")
@needs("ingest")
@admitted
def export_traces() -> Response:
    """Store an export of spans; the answer means that they are on disk."""
    return _store(SPAN_READERS, TRACES)


@otlp.post("/v1/metrics")
@needs("ingest")
@admitted
def export_metrics() -> Response:
    """Take an export of metrics, which are not kept, and say so without an error."""
    media_type = _media_type()
    body = incoming_body()
    read = metrics.points_in_json if media_type == JSON else metrics.points_in_protobuf
    count = read(body)
    accounts.settle_unkept(count, "metrics are not kept here: logs and traces are")
    return _answer(media_type, METRICS, count, NOT_KEPT if count else "")


def _store(readers: Mapping[str, Reader], answer: Answer) -> Response:
    media_type = _media_type()
    key = idempotency_key()
    received_ns = time.time_ns()
    body = incoming_body()
    batch = readers[media_type](body, received_ns, applied())
    appended = append(f"{answer.door} {media_type}", body, key, batch)
    rejections = accounts.settle(batch, appended).rejections
    # A span and its events have one place: what is refused of them is one thing that was sent.
    count = len({item.index for item in rejections})
    response = _answer(media_type, answer, count, _message(rejections, batch.adjusted))
    if appended.duplicates:
        response.headers[DUPLICATES] = str(appended.duplicates)
    return response


def _media_type() -> str:
    media_type = content_type()
    if media_type not in {PROTOBUF, JSON}:
        discard_body()
        raise MediaTypeUnsupported(
            f"Content-Type {media_type[:50]!r} is none of OTLP's: send {PROTOBUF} or {JSON}."
        )
    return media_type


def _answer(media_type: str, answer: Answer, refused: int, message: str) -> Response:
    """Full success is empty; a count with reasons is what was refused; a message alone warns."""
    if media_type == PROTOBUF:
        response = answer.response()
        if message:
            partial = response.partial_success  # type: ignore[attr-defined]  # all have it
            setattr(partial, answer.refused, refused)
            partial.error_message = message
        return Response(response.SerializeToString(), content_type=PROTOBUF)
    # OTLP/JSON writes 64-bit integers as strings.
    told = {answer.refused_in_json: str(refused), "errorMessage": message}
    return Response(orjson.dumps({"partialSuccess": told} if message else {}), content_type=JSON)


def _message(rejections: list[Rejection], adjusted: dict[str, int]) -> str:
    reasons = [f"record {item.index}: {item.reason}" for item in rejections[:REASONS]]
    if len(rejections) > REASONS:
        reasons.append(f"and {len(rejections) - REASONS} more")
    reasons += [f"{RULES[rule]} ({count} times)" for rule, count in sorted(adjusted.items())]
    return "; ".join(reasons)
