"""An export that is sent again is stored once, is answered as before, and is said to be known."""

from __future__ import annotations

import gzip
import json

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from tests.intake.exports import Map, Record, Resource, Scope, one
from tests.intake.rows import OBSERVED
from tests.otlp.exchange import (
    JSON,
    PROTOBUF,
    partial_success,
    send,
    status_message,
    stored,
    written,
)

ENCODINGS = pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
DUPLICATE = "X-AgentLogger-Duplicate"
INVALID_ARGUMENT = 3


def known(response: TestResponse) -> bool:
    """Whether the answer says that the whole request came before."""
    return response.headers.get(DUPLICATE) == "true"


def counted(client: FlaskClient) -> dict[str, float]:
    """What became of all records, as a scraper is told."""
    text = client.get("/metrics").get_data(as_text=True)
    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(text)
        if family.name == "agentlogger_records"
        for sample in family.samples
    }


@ENCODINGS
def test_the_same_bytes_are_stored_once_however_they_are_packed(
    client: FlaskClient, content_type: str
) -> None:
    body = written(content_type, one(body="hello", time=OBSERVED))

    first = send(client, body, content_type)
    again = send(client, body, content_type)
    packed = send(client, gzip.compress(body), content_type, encoding="gzip")

    assert [known(answer) for answer in (first, again, packed)] == [False, True, True]
    assert partial_success(first) is partial_success(again) is partial_success(packed) is None
    assert [item["body"] for item in stored(client)] == ["hello"]
    assert counted(client) == {"stored": 1, "duplicates": 2, "refused": 0}


@ENCODINGS
def test_an_export_whose_records_lack_a_time_may_be_another_event(
    client: FlaskClient, content_type: str
) -> None:
    for _ in range(2):
        assert not known(send(client, written(content_type), content_type))

    assert [item["body"] for item in stored(client)] == ["hello", "hello"]


@ENCODINGS
def test_a_key_makes_one_request_of_two_and_belongs_to_it_alone(
    client: FlaskClient, content_type: str
) -> None:
    body, other = written(content_type), written(content_type, one(body="other"))

    def keyed(sent: bytes, key: str) -> TestResponse:
        headers = {"Idempotency-Key": key}
        return client.post("/v1/logs", data=sent, content_type=content_type, headers=headers)

    assert not known(keyed(body, '"a key"'))
    assert known(keyed(body, '"a key"'))
    assert known(keyed(body, "a key")), "most clients write it without its quotes"
    refused = keyed(other, '"a key"')
    assert refused.status_code == 422
    assert status_message(refused)[0] == INVALID_ARGUMENT
    assert "Idempotency-Key" in status_message(refused)[1]
    assert not known(keyed(other, '"another \\" key"'))
    assert [item["body"] for item in stored(client)] == ["other", "hello"]


@pytest.mark.parametrize("key", ["", '""', "ü", "x" * 256, '"', 'a "quote'])
def test_a_key_that_is_none_is_refused_and_nothing_is_stored(client: FlaskClient, key: str) -> None:
    answer = client.post(
        "/api/v1/logs", json={}, headers={"Idempotency-Key": key.encode().decode("latin-1")}
    )

    assert (answer.status_code, answer.get_json()["code"]) == (400, "idempotency_key.invalid")
    assert stored(client) == []


def test_a_plain_request_that_comes_again_counts_duplicates_and_says_again_what_was_refused(
    client: FlaskClient,
) -> None:
    lines = "\n".join([json.dumps({"time": OBSERVED, "body": "a"}), "{", json.dumps({"id": 1})])

    first, again = (
        client.post("/api/v1/logs", data=lines, content_type="application/x-ndjson")
        for _ in range(2)
    )

    told, told_again = first.get_json(), again.get_json()
    assert (told["accepted"], told["duplicates"], told["rejected_count"]) == (2, 0, 1)
    assert told_again == told | {"accepted": 0, "duplicates": 2}
    assert (known(first), known(again)) == (False, True)
    assert counted(client) == {"stored": 2, "duplicates": 2, "refused": 2}


def test_a_request_of_which_nothing_was_accepted_is_counted_too(client: FlaskClient) -> None:
    assert client.post("/api/v1/logs", json=[1, 2]).status_code == 422

    assert counted(client) == {"stored": 0, "duplicates": 0, "refused": 2}


def claude(**attributes: object) -> list[Resource]:
    """An event of Claude Code in an export of its own."""
    common = {
        "event.name": "api_request",
        "event.timestamp": "2026-11-22T06:24:00.572Z",
        "event.sequence": 7,
        "session.id": "a session",
    }
    record = Record(time=OBSERVED, attributes=Map((common | attributes).items()))
    return [Resource(scopes=[Scope(name="com.anthropic.claude_code.events", records=[record])])]


@ENCODINGS
def test_an_event_of_claude_code_that_comes_in_another_request_is_stored_once(
    client: FlaskClient, content_type: str
) -> None:
    """The exporter put it together with others, or its process began anew."""
    for export in (
        claude(),
        claude() + one(body="another request", time=OBSERVED),
        claude(**{"event.sequence": 8}),
        claude(**{"event.timestamp": "2026-11-22T06:25:00.000Z"}),
        claude(**{"session.id": "another session"}),
        claude(**{"session.id": "another session", "some.more": "attributes"}),
        claude(**{"session.id": ""}),
        claude(**{"session.id": "", "some.more": "attributes"}),
    ):
        assert not known(send(client, written(content_type, export), content_type))

    assert counted(client) == {"stored": 7, "duplicates": 2, "refused": 0}
