"""/v1/logs takes every export that OTLP/HTTP 1.11.0 allows, and says so in its own encoding."""

from __future__ import annotations

import gzip

import pytest
from flask.testing import FlaskClient

from tests.intake.exports import Map, Record, Resource, Scope, one
from tests.otlp.exchange import (
    JSON,
    PROTOBUF,
    SQUEEZERS,
    partial_success,
    send,
    stored,
    written,
)

ENCODINGS = pytest.mark.parametrize("content_type", [PROTOBUF, JSON])


@ENCODINGS
@pytest.mark.parametrize("squeezer", SQUEEZERS)
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_an_export_is_stored_however_it_is_packed(
    client: FlaskClient, content_type: str, squeezer: str, *, chunked: bool
) -> None:
    body = SQUEEZERS[squeezer](written(content_type))
    encoding = squeezer.partition(",")[0]
    response = send(client, body, content_type, encoding=encoding, chunked=chunked)
    assert partial_success(response) is None
    assert response.data == (b"" if content_type == PROTOBUF else b"{}")
    assert response.content_type == content_type
    assert [item["body"] for item in stored(client)] == ["hello"]


@pytest.mark.parametrize(
    ("sent_as", "answered_as"),
    [
        ("application/json; charset=utf-8", JSON),
        ("application/json;charset=UTF-8", JSON),
        ("Application/JSON", JSON),
        ("application/json; charset=iso-8859-1", JSON),
        ("application/x-protobuf; messageType=x", PROTOBUF),
        ("APPLICATION/X-PROTOBUF", PROTOBUF),
    ],
)
def test_a_media_type_is_read_in_any_case_and_without_its_parameters(
    client: FlaskClient, sent_as: str, answered_as: str
) -> None:
    response = send(client, written(answered_as), sent_as)
    assert partial_success(response) is None
    assert response.content_type == answered_as
    assert len(stored(client)) == 1


@pytest.mark.parametrize(
    ("content_type", "body", "encoding"),
    [
        (PROTOBUF, b"", ""),
        (PROTOBUF, b"", "gzip"),
        (PROTOBUF, gzip.compress(b"", mtime=0), "gzip"),
        (PROTOBUF, b"\x0a\x00", ""),
        (JSON, b"{}", ""),
        (JSON, b' {"resourceLogs": []} ', ""),
        (JSON, b'{"resourceLogs":null}', ""),
        (JSON, b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[]}]}]}', ""),
    ],
    ids=[
        "protobuf of no bytes", "gzip of no bytes", "gzip of nothing", "protobuf wrapper",
        "JSON object", "JSON list", "JSON null", "JSON wrappers",
    ],
)  # fmt: skip
def test_an_export_without_records_is_a_success(
    client: FlaskClient, content_type: str, body: bytes, encoding: str
) -> None:
    assert partial_success(send(client, body, content_type, encoding=encoding)) is None
    assert stored(client) == []


@ENCODINGS
def test_everything_that_was_sent_can_be_read_back(client: FlaskClient, content_type: str) -> None:
    record = Record(
        time=1_795_331_040_941_747_768,
        observed=1_795_331_040_941_757_036,
        severity=13,
        severity_text="WARN",
        event_name="shop.refund",
        body=Map([("order", 7), ("raw", b"\0\1"), ("parts", [1.5, True, None, "é\U0001f600"])]),
        attributes=Map([("session.id", "s"), ("big", 2**63 - 1), ("small", -(2**63))]),
        dropped=3,
        flags=257,
        trace_id=bytes.fromhex("5b8efff798038103d269b633813fc60c"),
        span_id=bytes.fromhex("eee19b7ec3c1b174"),
    )
    scope = Scope("lib", "1.2", Map([("s", "t")]), 1, "https://example.org/scope", [record])
    export = [Resource(Map([("service.name", "shop")]), 2, "https://example.org/r", [], [scope])]
    assert partial_success(send(client, written(content_type, export), content_type)) is None
    (item,) = stored(client)
    item = client.get(f"/api/v1/logs/{item['id']}").get_json()
    expected = {
        "ts_ns": "1795331040941747768",
        "ts_source": "emitted",
        "observed_ns": "1795331040941757036",
        "severity_number": 13,
        "severity_text": "WARN",
        "severity_source": "emitted",
        "event": "shop.refund",
        "event_name": "shop.refund",
        "body": {"order": 7, "raw": "AAE=", "parts": [1.5, True, None, "é\U0001f600"]},
        "attributes": {"session.id": "s", "big": 2**63 - 1, "small": -(2**63)},
        "session_id": "s",
        "agent": "shop",
        "resource": {"service.name": "shop"},
        "scope": {
            "name": "lib",
            "version": "1.2",
            "attributes": {"s": "t"},
            "dropped_attributes_count": 1,
        },
        "envelope": {
            "resource_schema_url": "https://example.org/r",
            "resource_dropped_attributes_count": 2,
            "scope_schema_url": "https://example.org/scope",
            "dropped_attributes_count": 3,
        },
        "flags": 257,
        "trace_id": "5b8efff798038103d269b633813fc60c",
        "span_id": "eee19b7ec3c1b174",
        "adjustments": None,
    }
    assert {name: item[name] for name in expected} == expected


@ENCODINGS
def test_records_of_several_resources_keep_their_own(
    client: FlaskClient, content_type: str
) -> None:
    export = [
        Resource(
            attributes=Map([("service.name", name)]),
            scopes=[Scope(name=f"{name}.{part}", records=[Record(body=name)]) for part in "xy"],
        )
        for name in ("a", "b")
    ]
    assert partial_success(send(client, written(content_type, export), content_type)) is None
    found = sorted((item["agent"], item["scope"]["name"], item["body"]) for item in stored(client))
    assert found == [("a", "a.x", "a"), ("a", "a.y", "a"), ("b", "b.x", "b"), ("b", "b.y", "b")]


@ENCODINGS
def test_a_record_with_a_uid_that_is_sent_again_is_stored_once(
    client: FlaskClient, content_type: str
) -> None:
    body = written(content_type, one(attributes=Map([("log.record.uid", "01J9Z")])))
    answers = [send(client, body, content_type) for _ in range(3)]
    assert [partial_success(answer) for answer in answers] == [None] * 3
    known = [answer.headers.get("X-AgentLogger-Duplicates") for answer in answers]
    assert known == [None, "1", "1"]
    assert len(stored(client)) == 1


@ENCODINGS
def test_five_hundred_records_are_stored_in_their_order(
    client: FlaskClient, content_type: str
) -> None:
    records = [Record(time=1_795_331_040_000_000_000, body=index) for index in range(512)]
    body = written(content_type, [Resource(scopes=[Scope(records=records)])])
    assert partial_success(send(client, body, content_type)) is None
    assert [item["body"] for item in stored(client)] == list(reversed(range(512)))
