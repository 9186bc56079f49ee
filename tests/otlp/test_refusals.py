"""What /v1/logs does not take, it says in the sender's encoding, and stores nothing of it."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient

from agentlogger.blueprints import receiving
from agentlogger.errors import DatabaseUnavailable
from agentlogger.intake import batches, inflating
from agentlogger.intake import body as body_reader
from agentlogger.intake.record import Rejection
from agentlogger.store.appending import Appended
from tests.intake.exports import Map, Record, Resource, Scope, one, part
from tests.otlp.exchange import (
    DOOR,
    JSON,
    PROTOBUF,
    SQUEEZERS,
    chunked_body,
    partial_success,
    send,
    status_message,
    stored,
    written,
)

ENCODINGS = pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
CHUNKED = pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])

INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE = 3, 8, 14
"""Codes of google.rpc."""


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        (PROTOBUF, b"\xff\xff\xff", "not an ExportLogsServiceRequest"),
        (PROTOBUF, b'{"resourceLogs":[]}', "not an ExportLogsServiceRequest"),
        (PROTOBUF, part(1, part(2, b"\x12\x05abc")), "not an ExportLogsServiceRequest"),
        (PROTOBUF, part(1, part(2, part(2, part(3, b"\xff\xfe")))), "not an Export"),
        (PROTOBUF, part(1, part(2, part(2, part(5, part(1, b"\xc0\x80"))))), "not an Export"),
        (PROTOBUF, part(1, part(2, part(2, part(1, b"\x01" * 16)))), "not an Export"),
        (JSON, b"", "is not JSON"),
        (JSON, b"\x0a\x00", "is not JSON"),
        (JSON, b'{"resourceLogs":[', "is not JSON"),
        (JSON, b'{"resourceLogs":[]} trailing', "is not JSON"),
        (JSON, b'"\xff"', "is not UTF-8"),
        (JSON, "{}".encode("utf-16"), "is not UTF-8"),
        (JSON, b"null", "no ExportLogsServiceRequest"),
        (JSON, b"[]", "no ExportLogsServiceRequest"),
        (JSON, b'{"resourceSpans":[{}]}', "an export of traces"),
        (JSON, b"[" * 100_000, "levels deep"),
    ],
    ids=[
        "garbage", "JSON as protobuf", "half a message", "a text not UTF-8", "a value not UTF-8",
        "spans", "nothing", "protobuf as JSON", "half", "trailing", "not UTF-8", "UTF-16", "null",
        "array", "traces", "depth",
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_decoded_is_a_400_with_the_reason(
    client: FlaskClient, content_type: str, body: bytes, reason: str
) -> None:
    response = send(client, body, content_type)
    assert response.status_code == 400
    assert response.content_type == content_type
    code, message = status_message(response)
    assert code == INVALID_ARGUMENT
    assert reason in message
    assert stored(client) == []


@ENCODINGS
@CHUNKED
@pytest.mark.parametrize("fault", ["cut", "garbage", "not gzip", "wrong checksum"])
def test_a_body_that_cannot_be_inflated_is_a_400(
    client: FlaskClient, content_type: str, fault: str, *, chunked: bool
) -> None:
    whole = gzip.compress(written(content_type), mtime=0)
    body = {
        "cut": whole[:-4],
        "garbage": whole + b"garbage",
        "not gzip": written(content_type),
        "wrong checksum": whole[:-8] + bytes(8),
    }[fault]
    response = send(client, body, content_type, encoding="gzip", chunked=chunked)
    assert (response.status_code, status_message(response)[0]) == (400, INVALID_ARGUMENT)
    assert stored(client) == []


@ENCODINGS
@pytest.mark.parametrize("server", [{}, {"wsgi.input_terminated": True}], ids=["plain", "gunicorn"])
def test_a_body_shorter_than_its_length_is_a_400_and_not_half_stored(
    client: FlaskClient, content_type: str, server: dict[str, Any]
) -> None:
    body = written(content_type)
    response = client.post(
        DOOR,
        data=body,
        content_type=content_type,
        environ_overrides=server | {"CONTENT_LENGTH": str(len(body) + 1)},
    )
    assert (response.status_code, status_message(response)[0]) == (400, INVALID_ARGUMENT)
    assert "send it again" in status_message(response)[1]
    assert stored(client) == []


@ENCODINGS
@CHUNKED
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "zstd"])
def test_a_body_over_the_limit_is_a_413_on_the_wire_and_inflated(
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    content_type: str,
    encoding: str,
    *,
    chunked: bool,
) -> None:
    squeeze = SQUEEZERS[encoding]
    monkeypatch.setattr(body_reader, "BODY_WIRE_BYTES", 1_000)
    monkeypatch.setattr(inflating, "BODY_PLAIN_BYTES", 1_000)
    room = 1_000 - len(written(content_type, one(body="")))
    small = squeeze(written(content_type, one(body="x" * (room - 10))))
    assert send(client, small, content_type, encoding=encoding, chunked=chunked).status_code == 200
    large = squeeze(written(content_type, one(body="x" * (room + 10))))
    response = send(client, large, content_type, encoding=encoding, chunked=chunked)
    assert (response.status_code, status_message(response)[0]) == (413, RESOURCE_EXHAUSTED)
    assert response.content_type == content_type
    assert len(stored(client)) == 1


@ENCODINGS
def test_more_records_than_the_limit_are_a_413(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    monkeypatch.setattr(batches, "RECORDS", 2)
    export = [Resource(scopes=[Scope(records=[Record(), Record(), Record()])])]
    response = send(client, written(content_type, export), content_type)
    assert (response.status_code, status_message(response)[0]) == (413, RESOURCE_EXHAUSTED)
    assert stored(client) == []


@ENCODINGS
@pytest.mark.parametrize("encoding", ["br", "lz4", "snappy", "compress", "gzip, gzip"])
def test_an_unknown_content_encoding_is_a_415(
    client: FlaskClient, content_type: str, encoding: str
) -> None:
    response = send(client, written(content_type), content_type, encoding=encoding)
    assert (response.status_code, status_message(response)[0]) == (415, INVALID_ARGUMENT)
    assert "send gzip, deflate, zstd or none" in status_message(response)[1]
    assert stored(client) == []


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/octet-stream",
        "application/x-ndjson",
        "application/grpc",
        "",
        None,
    ],
)
def test_an_unknown_media_type_is_a_415_in_plain_words(
    client: FlaskClient, content_type: str | None
) -> None:
    response = send(client, written(JSON), content_type)
    assert response.status_code == 415
    assert response.mimetype == "text/plain"
    assert b"send application/x-protobuf or application/json" in response.data
    assert stored(client) == []


def test_a_body_of_an_unknown_media_type_is_drained_so_that_its_sender_sees_the_answer(
    client: FlaskClient,
) -> None:
    stream = io.BytesIO(b"x" * 1_000_000)
    response = client.post(DOOR, content_type="text/plain", environ_overrides=chunked_body(stream))
    assert response.status_code == 415
    assert stream.read() == b""


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_only_post_is_allowed(client: FlaskClient, method: str) -> None:
    response = client.open(DOOR, method=method)
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    as_json = client.open(DOOR, method=method, content_type=JSON)
    assert (as_json.status_code, as_json.content_type) == (405, JSON)
    assert status_message(as_json)[1]


def test_records_that_are_no_objects_are_refused_alone(client: FlaskClient) -> None:
    records = [{"body": {"stringValue": "a"}}, 5, {"body": {"stringValue": "b"}}, None]
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()
    partial = partial_success(send(client, body, JSON))
    assert partial is not None
    assert partial[0] == 2
    assert "record 1: a log record must be an object, and this is 5" in partial[1]
    assert "record 3: a log record must be an object, and this is null" in partial[1]
    assert sorted(item["body"] for item in stored(client)) == ["a", "b"]


def test_all_records_refused_is_still_no_error(client: FlaskClient) -> None:
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[1,2]}]}]}'
    partial = partial_success(send(client, body, JSON))
    assert partial is not None
    assert partial[0] == 2


def test_a_thousand_reasons_are_told_shortly(client: FlaskClient) -> None:
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": ["x" * 900] * 1_000}]}]})
    response = send(client, body.encode(), JSON)
    partial = partial_success(response)
    assert partial is not None
    assert partial[0] == 1_000
    assert "and 980 more" in partial[1]
    assert len(response.data) < 10_000


@ENCODINGS
def test_what_the_database_refuses_is_counted_with_its_place(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    def append(_scope: object, records: list[Any], **_claim: Any) -> Appended:
        return Appended(len(records) - 1, 0, [Rejection(1, "record.refused", "it does not fit")])

    monkeypatch.setattr(receiving.appending, "append", append)
    export = [Resource(scopes=[Scope(records=[Record(), Record(), Record()])])]
    partial = partial_success(send(client, written(content_type, export), content_type))
    assert partial == (1, "record 1: it does not fit")


@ENCODINGS
def test_what_was_replaced_is_a_warning_with_no_rejection(
    client: FlaskClient, content_type: str
) -> None:
    record = {"body": "a\0\0", "attributes": Map([("n", float("nan"))])}
    partial = partial_success(send(client, written(content_type, one(**record)), content_type))
    assert partial is not None
    assert partial[0] == 0
    assert "NUL becomes U+FFFD (2 times)" in partial[1]
    assert "NaN and the infinities become their names as text (1 times)" in partial[1]
    (item,) = stored(client)
    assert (item["body"], item["attributes"]) == ("a\ufffd\ufffd", {"n": "NaN"})
    assert item["adjustments"] == {"number.not_finite": {"count": 1}, "text.nul": {"count": 2}}


@ENCODINGS
def test_a_database_that_is_away_asks_the_exporter_to_come_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    def append(_scope: object, _records: object, **_claim: object) -> NoReturn:
        raise DatabaseUnavailable("It is away.", retry_after=2)

    monkeypatch.setattr(receiving.appending, "append", append)
    response = send(client, written(content_type), content_type)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert status_message(response) == (UNAVAILABLE, "It is away.")


@ENCODINGS
def test_a_fault_of_ours_asks_the_exporter_to_come_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch, content_type: str
) -> None:
    """An exporter drops its records on a 500."""

    def append(_scope: object, _records: object, **_claim: object) -> NoReturn:
        raise RuntimeError

    monkeypatch.setattr(receiving.appending, "append", append)
    response = send(app.test_client(), written(content_type), content_type)
    assert response.status_code == 503
    assert 1 <= int(response.headers["Retry-After"]) <= 3
    assert status_message(response)[0] == UNAVAILABLE
