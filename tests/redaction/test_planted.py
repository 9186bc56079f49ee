"""Secrets by the thousand, sent to a server as people start it: none is in any file afterwards."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy.engine import URL

from agentlogger.app import create_app
from agentlogger.intake.redaction.policy import Policy
from agentlogger.models.database import db
from agentlogger.store.projects import DEFAULT
from agentlogger.store.redaction import choose
from tests.conftest import settings_for
from tests.intake.exports import Map, Record, Resource, Scope, json_text, protobuf
from tests.journeys.conftest import written
from tests.journeys.serving import HOST, Server, serving
from tests.otlp.exchange import JSON, PROTOBUF
from tests.redaction.planted import CANARIES, SHAPES, innocent

A_REQUEST = 500
"""Secrets in one request."""


def texts(each: int) -> Iterator[str]:
    """So many secrets of each shape, each in a text that has one of its kind."""
    chance = random.Random(each)
    for shape in SHAPES:
        for _ in range(each):
            yield shape.around.format(shape.make(chance))


def logs(some: list[str]) -> list[Resource]:
    """An export with each of these in a body, a nested attribute, JSON in a text and a resource."""
    return [
        Resource(
            attributes=Map([("deployment", text)]),
            scopes=[
                Scope(
                    records=[
                        Record(
                            time=1_795_331_040_000_000_000,
                            body=text,
                            attributes=Map(
                                [
                                    ("nested", Map([("list", [Map([("deep", text)])])])),
                                    ("json", json.dumps({"of": json.dumps({"it": text})})),
                                    ("error.message", text),
                                ]
                            ),
                        )
                    ]
                )
            ],
        )
        for text in some
    ]


def spans(some: list[str]) -> bytes:
    """An export of spans, each with an event that has one of these."""
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": f"{number + 1:032x}",
                                    "spanId": f"{random.Random(text).getrandbits(63):016x}",
                                    "name": "call",
                                    "startTimeUnixNano": "1795331040000000000",
                                    "endTimeUnixNano": "1795331041000000000",
                                    "status": {"code": 2, "message": text},
                                    "events": [
                                        {
                                            "name": "exception",
                                            "attributes": [
                                                {
                                                    "key": "exception.message",
                                                    "value": {"stringValue": text},
                                                }
                                            ],
                                        }
                                    ],
                                }
                                for number, text in enumerate(some)
                            ]
                        }
                    ]
                }
            ]
        }
    ).encode()


def send(server: Server, door: str, body: bytes, content_type: str) -> bytes:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
    connection.request("POST", door, body, {"Content-Type": content_type})
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    assert answer.status == 200, said
    return said


def files_of(url: URL) -> list[Path]:
    """All files that a database writes, its write-ahead log and a server's own log among them."""
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        return list(path.parent.glob(f"{path.name}*"))
    connection = psycopg2.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchone()[0])
        cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
        database = folder / "base" / str(cursor.fetchone()[0])
    connection.close()
    return [
        path
        for place in (database, folder / "pg_wal", folder.parent)
        for path in place.iterdir()
        if path.is_file()
    ]


def any_in(data: bytes, canaries: list[bytes]) -> bool:
    return any(canary in data for canary in canaries)


def files_with_a_canary(url: URL, log: Path) -> list[str]:
    canaries = [canary.encode() for canary in CANARIES]
    return [path.name for path in (*files_of(url), log) if any_in(content(path), canaries)]


def content(path: Path) -> bytes:
    """What is in a file; nothing where the database has removed it meanwhile, as it may."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def plant(url: URL, folder: Path, each: int) -> None:
    """Send so many secrets of each shape, and fail where one is found in a file."""
    planted = list(texts(each))
    random.Random(1).shuffle(planted)
    with serving(written(url), folder) as server:
        for begin in range(0, len(planted), A_REQUEST):
            some = planted[begin : begin + A_REQUEST]
            if begin // A_REQUEST % 2:
                said = send(server, "/v1/logs", json_text(logs(some)), JSON)
            else:
                said = send(server, "/v1/logs", protobuf(logs(some)), PROTOBUF)
            said += send(server, "/v1/traces", spans(some), JSON)
            assert not [canary for canary in CANARIES if canary.encode() in said]
        log = server.log
        # The server's WAL is emptied when it ends, so it is looked at while it runs.
        assert files_with_a_canary(url, log) == []
    assert files_with_a_canary(url, log) == []


@pytest.mark.parametrize("each", [4, pytest.param(1_000, marks=pytest.mark.promise)])
def test_no_planted_secret_is_in_any_file(empty_database_url, tmp_path, each):
    plant(empty_database_url, tmp_path, each)

    # The search can fail: what nobody redacts is found.
    app = create_app(settings_for(empty_database_url, tmp_path))
    with app.app_context():
        choose(DEFAULT, Policy(off=True))
    app.test_client().post("/api/v1/logs", json={"message": next(texts(1))})
    assert files_with_a_canary(empty_database_url, tmp_path / "serve.log") != []
    with app.app_context():
        db.engine.dispose()


def test_innocent_ids_are_stored_as_they_were_sent(client):
    # All ten thousand are in test_shapes, without a database.
    ids = innocent(random.Random(13), 1_000)
    lines = [
        {"ts_ns": 1_795_331_040_000_000_000 + number, "message": text, "session_id": text}
        for number, text in enumerate(ids)
    ]

    answer = client.post("/api/v1/logs", json=lines)

    assert answer.get_json()["adjusted"] == {}
    items = client.get("/api/v1/logs?limit=1000").get_json()["items"]
    assert [(item["body"], item["session_id"]) for item in items] == [
        (text, text) for text in reversed(ids)
    ]
