"""What goes over the wire between an exporter and /v1/logs, and what is stored then."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from typing import Any

import zstandard
from flask.testing import FlaskClient
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from werkzeug.test import TestResponse

from agentlogger.intake.body import Stream
from tests.intake.exports import Resource, json_text, one, protobuf

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
DOOR = "/v1/logs"

WRITERS = {PROTOBUF: protobuf, JSON: json_text}


def raw_deflate(content: bytes) -> bytes:
    """Deflate without zlib's header, as some clients understand the word."""
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(content) + squeeze.flush()


SQUEEZERS = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate, raw": raw_deflate,
    "zstd": zstandard.compress,
}


def written(content_type: str, export: list[Resource] | None = None) -> bytes:
    """An export in an encoding; one record with the body "hello" where none is given."""
    return WRITERS[content_type](one(body="hello") if export is None else export)


def send(
    client: FlaskClient,
    body: bytes,
    content_type: str | None,
    *,
    encoding: str = "",
    chunked: bool = False,
) -> TestResponse:
    """The answer to an export; a chunked one comes without its length, as from gunicorn."""
    headers = {"Content-Encoding": encoding} if encoding else {}
    if chunked:
        environ = chunked_body(io.BytesIO(body))
        return client.post(
            DOOR, content_type=content_type, headers=headers, environ_overrides=environ
        )
    return client.post(DOOR, data=body, content_type=content_type, headers=headers)


def chunked_body(stream: Stream) -> dict[str, Any]:
    """What gunicorn puts into the environment for a chunked body."""
    return {
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_LENGTH": "",
    }


def partial_success(response: TestResponse) -> tuple[int, str] | None:
    """How many records were refused and why; None for full success. The encoding is checked."""
    assert response.status_code == 200, response.data
    if response.content_type == JSON:
        answer = json.loads(response.data)
        if answer == {}:
            return None
        assert set(answer) == {"partialSuccess"}
        partial = dict(answer["partialSuccess"])
        message = partial.pop("errorMessage")
        ((name, count),) = partial.items()
        assert name in {"rejectedLogRecords", "rejectedSpans"}
        assert isinstance(count, str), "OTLP/JSON writes int64 as text"
        return int(count), message
    assert response.content_type == PROTOBUF
    parsed = ExportLogsServiceResponse.FromString(response.data)
    if not parsed.HasField("partial_success"):
        assert response.data == b"", "full success is zero bytes"
        return None
    return parsed.partial_success.rejected_log_records, parsed.partial_success.error_message


def status_message(response: TestResponse) -> tuple[int, str]:
    """The google.rpc.Status of an error: its code and its message."""
    assert response.status_code >= 400
    if response.content_type == JSON:
        answer: dict[str, Any] = json.loads(response.data)
        assert set(answer) == {"code", "message", "details"}
        return answer["code"], answer["message"]
    assert response.content_type == PROTOBUF
    status = Status.FromString(response.data)
    return status.code, status.message


def stored(client: FlaskClient) -> list[dict[str, Any]]:
    """What the API lists, newest first."""
    response = client.get("/api/v1/logs?limit=1000")
    assert response.status_code == 200
    items: list[dict[str, Any]] = response.get_json()["items"]
    return items
