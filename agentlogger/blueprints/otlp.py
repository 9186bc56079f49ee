"""OTLP/HTTP: what OpenTelemetry's SDKs send (specification 1.11.0)."""

from __future__ import annotations

import time

import orjson
from flask import Blueprint, Response
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from agentlogger.blueprints.bodies import content_type, discard_body, incoming_body
from agentlogger.blueprints.gate import caller, needs
from agentlogger.errors import MediaTypeUnsupported
from agentlogger.intake import batches
from agentlogger.intake.record import Batch, Rejection
from agentlogger.intake.storable import RULES
from agentlogger.limits import REASONS
from agentlogger.store import logs
from agentlogger.store.logs import Appended

otlp = Blueprint("otlp", __name__)

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


@otlp.post("/v1/logs")
@needs("ingest")
def export_logs() -> Response:
    """Store an export of log records; the answer means that they are on disk."""
    media_type = content_type()
    if media_type not in {PROTOBUF, JSON}:
        discard_body()
        raise MediaTypeUnsupported(
            f"Content-Type {media_type[:50]!r} is none of OTLP's: send {PROTOBUF} or {JSON}."
        )
    received_ns = time.time_ns()
    body = incoming_body()
    if media_type == JSON:
        batch = batches.from_otlp_json(body, received_ns)
    else:
        batch = batches.from_otlp_protobuf(body, received_ns)
    appended = logs.append(caller().scope, batch.records)
    return _answer(media_type, all_rejections(batch, appended), batch.adjusted)


def all_rejections(batch: Batch, appended: Appended) -> list[Rejection]:
    """What was refused on the way in and by the database, by its place in the request."""
    by_database = [
        Rejection(batch.positions[item.index], item.code, item.reason)
        for item in appended.rejections
    ]
    return sorted([*batch.rejections, *by_database], key=lambda item: item.index)


def _answer(media_type: str, rejections: list[Rejection], adjusted: dict[str, int]) -> Response:
    """Full success is empty; a count with reasons is what was refused; a message alone warns."""
    response = ExportLogsServiceResponse()
    message = _message(rejections, adjusted)
    if message:
        response.partial_success.rejected_log_records = len(rejections)
        response.partial_success.error_message = message
    if media_type == PROTOBUF:
        return Response(response.SerializeToString(), content_type=PROTOBUF)
    # OTLP/JSON writes 64-bit integers as strings.
    partial = {"rejectedLogRecords": str(len(rejections)), "errorMessage": message}
    return Response(orjson.dumps({"partialSuccess": partial} if message else {}), content_type=JSON)


def _message(rejections: list[Rejection], adjusted: dict[str, int]) -> str:
    reasons = [f"record {item.index}: {item.reason}" for item in rejections[:REASONS]]
    if len(rejections) > REASONS:
        reasons.append(f"and {len(rejections) - REASONS} more")
    reasons += [f"{RULES[rule]} ({count} times)" for rule, count in sorted(adjusted.items())]
    return "; ".join(reasons)
