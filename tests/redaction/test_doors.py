"""Whatever door a secret comes through, nothing of it is stored, answered or logged."""

from __future__ import annotations

import json
import logging
import random

import pytest

from agentlogger.intake import batches
from agentlogger.intake.redaction.marks import MARK
from agentlogger.intake.redaction.policy import Policy
from agentlogger.store.projects import DEFAULT
from agentlogger.store.redaction import choose
from tests.intake.exports import Map, Record, Resource, Scope, json_text, protobuf
from tests.otlp.exchange import JSON, PROTOBUF, partial_success, stored

CHANCE = random.Random(11)
SECRET = "ghp_" + "".join(CHANCE.choices("abcdefXYZ0123456789", k=36))
MARKED = "github"

NATIVE = "/api/v1/logs"


def everywhere() -> list[Resource]:
    """An export with the secret wherever OTLP takes a text."""
    record = Record(
        time=1_795_331_040_000_000_000,
        severity_text=f"warn {SECRET}",
        event_name=f"event.{SECRET}",
        body=Map([("said", [f"in a list {SECRET}", Map([("deep", SECRET)])])]),
        attributes=Map(
            [
                ("session.id", f"session-{SECRET}"),
                ("error.message", f"it failed with {SECRET}"),
                ("tool_parameters", json.dumps({"command": f'curl -H "X: {SECRET}"'})),
                (f"key {SECRET}", "value"),
                ("bytes", b"no text"),
            ]
        ),
    )
    scope = Scope(
        name=f"scope {SECRET}",
        version=SECRET,
        attributes=Map([("a", SECRET)]),
        schema_url=f"https://example.org/{SECRET}",
        records=[record],
    )
    return [Resource(attributes=Map([("service.name", f"s {SECRET}")]), scopes=[scope])]


@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
def test_a_secret_is_stored_nowhere_of_a_log_record(client, encoding):
    body = protobuf(everywhere()) if encoding == PROTOBUF else json_text(everywhere())

    answer = client.post("/v1/logs", data=body, content_type=encoding)

    assert "a token of GitHub" in (partial_success(answer) or (0, ""))[1]
    (item,) = stored(client)
    assert SECRET not in json.dumps(item)
    assert item["adjustments"][f"redacted.{MARKED}"]["count"] == 13
    assert MARK.search(item["session_id"])
    assert MARK.search(item["error_message"])
    assert len(set(MARK.findall(json.dumps(item, ensure_ascii=False)))) == 1


def test_both_encodings_and_plain_json_lose_the_same(client):
    attributes = {"password": "hunter2", "n": 1}
    record = Record(body=SECRET, attributes=Map(attributes.items()))
    export = [Resource(scopes=[Scope(records=[record])])]
    client.post(NATIVE, json={"message": SECRET, "attributes": attributes})
    client.post("/v1/logs", data=protobuf(export), content_type=PROTOBUF)
    client.post("/v1/logs", data=json_text(export), content_type=JSON)

    found = [(item["body"], item["attributes"], item["adjustments"]) for item in stored(client)]

    assert found[0] == found[1] == found[2]
    assert MARK.fullmatch(found[0][0])
    assert MARK.fullmatch(found[0][1]["password"])
    assert found[0][2] == {"redacted.github": {"count": 1}, "redacted.key": {"count": 1}}


def test_a_secret_is_stored_nowhere_of_a_span(client):
    span = {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": f"call {SECRET}",
        "traceState": f"v={SECRET}",
        "startTimeUnixNano": "1795331040000000000",
        "endTimeUnixNano": "1795331041000000000",
        "status": {"code": 2, "message": f"failed: {SECRET}"},
        "links": [
            {
                "traceId": "0af7651916cd43dd8448eb211c80319c",
                "spanId": "b7ad6b7169203332",
                "attributes": [{"key": "a", "value": {"stringValue": SECRET}}],
            }
        ],
        "events": [
            {
                "timeUnixNano": "1795331040000000000",
                "name": "exception",
                "attributes": [{"key": "exception.message", "value": {"stringValue": SECRET}}],
            }
        ],
    }
    export = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}

    client.post("/v1/traces", json=export)

    items = stored(client)
    assert len(items) == 2
    assert SECRET not in json.dumps(items)
    assert all(MARK.search(item["error_message"]) for item in items)


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("password", "x", True),
        ("db.PASSWORD", 12345678, True),
        ("http.request.header.authorization", ["Bearer abc"], True),
        ("X-Api-Key", "abc", True),
        ("apiKey", {"value": "abc"}, True),
        ("github_token", "abc", True),
        ("Set-Cookie", "a=b", True),
        ("token", "a1b2c3d4e5f6", True),
        ("token", "Hello", False),
        ("session.id", "9f0a6e1c-4d5b-4a51-8a3e-000000000000", False),
        ("input_tokens", 5321, False),
        ("gen_ai.usage.input_tokens", "5321", False),
        ("prompt.id", "a1b2c3d4e5f6a7b8", False),
        ("has_password", True, False),
        ("password", None, False),
        ("PWD", "/home/alice/project", False),
        ("token.type", "input", False),
        ("time_to_first_token", 0.25, False),
    ],
)
def test_a_name_tells_of_a_secret(name, value, is_secret):
    body = json.dumps({"attributes": {name: value, "other": "stays"}}).encode()

    (record,) = batches.from_native(body, 1, lines=False).records

    assert (record.attributes[name] != value) is is_secret
    assert record.attributes["other"] == "stays"
    assert (record.adjustments is not None) is is_secret


def test_the_value_of_a_header_in_a_list_is_told_by_its_name():
    headers = [{"name": "Authorization", "value": "Basic abc"}, {"name": "Accept", "value": "*"}]
    body = json.dumps({"attributes": {"headers": headers}}).encode()

    (record,) = batches.from_native(body, 1, lines=False).records

    found = record.attributes["headers"]
    assert found[0]["value"].startswith("Basic ")
    assert MARK.search(found[0]["value"])
    assert found[1] == headers[1]


def test_the_value_of_a_raw_header_is_told_by_its_name():
    raw = [["authorization", "Basic abc"], ["accept", "*"]]
    fields = ["password", "user_id"]
    body = json.dumps({"raw": raw, "required": fields}).encode()

    (record,) = batches.from_native(body, 1, lines=False).records

    assert MARK.search(record.attributes["raw"][0][1])
    assert record.attributes["raw"][1] == raw[1]
    assert record.attributes["required"] == fields


def test_records_that_share_a_resource_are_marked_alike(client):
    records = [Record(body=f"{number}") for number in range(3)]
    export = [Resource(attributes=Map([("k8s.secret", "s3")]), scopes=[Scope(records=records)])]

    client.post("/v1/logs", data=protobuf(export), content_type=PROTOBUF)

    assert [item["adjustments"] for item in stored(client)] == [{"redacted.key": {"count": 1}}] * 3


def test_secrets_that_differ_stay_two_identities():
    lines = b"\n".join(
        json.dumps({"attributes": {"log.record.uid": f"sk-ant-{'a' * 30}{number}"}}).encode()
        for number in range(2)
    )

    found = batches.from_native(lines, 1, lines=True).records

    assert found[0].identity != found[1].identity
    assert all(MARK.fullmatch(record.attributes["log.record.uid"]) for record in found)


def test_a_secret_that_was_sent_for_a_time_or_a_record_is_repeated_nowhere(client):
    lines = b"\n".join(
        json.dumps(each).encode()
        for each in ({"time": f"at {SECRET}"}, SECRET, {"message": "ok", "trace_id": SECRET})
    )

    answer = client.post(NATIVE, data=lines, content_type="application/x-ndjson")

    assert answer.status_code == 200
    assert SECRET[:12] not in answer.text
    items = json.dumps(stored(client))
    assert SECRET[:12] not in items
    assert "redacted" in items


def test_a_secret_in_an_address_that_is_none_is_not_in_the_ledger(client):
    client.post(f"/v1/{SECRET}", json={}, headers={"User-Agent": f"agent {SECRET}"})

    (finding,) = client.get("/api/v1/ingest").json["items"]
    assert finding["kind"] == "wrong_door"
    assert SECRET[:12] not in json.dumps(finding)


def test_the_log_of_the_server_holds_no_secret(client, monkeypatch, caplog):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"it broke on {SECRET} and password='hunter2'")

    monkeypatch.setattr("agentlogger.store.appending.append", fail)
    answer = client.post("/v1/logs", json={"resourceLogs": []})
    logging.getLogger("agentlogger.store").warning("with %s", SECRET)

    log = caplog.text
    assert answer.status_code == 503
    assert "it broke on" in log
    assert SECRET not in log
    assert "hunter2" not in log


def test_a_project_chooses_what_is_redacted(app, client):
    with app.app_context():
        choose(
            DEFAULT,
            Policy(
                without=frozenset({MARKED}),
                also=frozenset({"email"}),
                names=frozenset({"badgenumber"}),
                spared=frozenset({"password"}),
            ),
        )
    client.post(
        NATIVE,
        json={
            "message": f'{SECRET} of bob@example.org; "badge-number": "4711"',
            "attributes": {"badge_number": "4711", "password": "known to all"},
        },
    )

    (item,) = stored(client)

    assert item["body"].startswith(SECRET)
    assert "bob@example.org" not in item["body"]
    assert "4711" not in json.dumps(item)
    assert item["attributes"]["password"] == "known to all"
    assert set(item["adjustments"]) == {"redacted.email", "redacted.key"}
    with app.app_context():
        choose(DEFAULT, Policy(off=True))
    client.post(NATIVE, json={"message": f"bob@example.org {SECRET}"})
    assert stored(client)[0]["body"] == f"bob@example.org {SECRET}"
