"""What was sent is what was stored, recognised or refused; and who misses something is told why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlogger.blueprints import counters
from agentlogger.blueprints.accounts import COUNTERS, PENDING
from agentlogger.errors import DatabaseUnavailable
from agentlogger.intake import findings
from agentlogger.store import ingest as store
from tests.api.test_metrics import scraped
from tests.intake.exports import Record, Resource, Scope, json_text, protobuf

NUL = "a\0b"
UID = "log.record.uid"


def export(*bodies: Any, uid: str = "u") -> list[Resource]:
    records = [Record(body=body, attributes=[(UID, uid), ("n", NUL)]) for body in bodies]
    return [Resource(scopes=[Scope(records=records)], attributes=[("service.name", "agent")])]


def spans(*given: Any) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(given)}]}]}).encode()


SPAN = {
    "traceId": "11" * 16, "spanId": "22" * 8, "name": NUL,
    "startTimeUnixNano": "1764000000000000000",
    "endTimeUnixNano": "1764000001000000000", "events": [{"name": "one"}, {"name": "two"}],
}  # fmt: skip
METRICS = {"gauge": {"dataPoints": [{"asInt": "1"}, {"asInt": "2"}]}}
LINES = b'{"id":1,"m":"a\\u0000"}\n{"id":1,"m":"again"}\nnot json\n[]\n'

SENDINGS = {
    "protobuf": ("/v1/logs", "application/x-protobuf", protobuf(export("a", "b")), (2, 1, 1, 0)),
    "json": (
        "/v1/logs", "application/json",
        json_text(export("a", "b")).replace(b'"logRecords": [', b'"logRecords": [5,'), (3, 1, 1, 1),
    ),
    "spans": ("/v1/traces", "application/json", spans(SPAN, SPAN, 7), (7, None, None, 1)),
    "metrics": (
        "/v1/metrics", "application/json",
        json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [METRICS]}]}]}).encode(),
        (2, 0, 0, 2),
    ),
    "plain": ("/api/v1/logs", "application/x-ndjson", LINES, (4, 1, 1, 2)),
}  # fmt: skip


def told(client, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/ingest", query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


@pytest.mark.parametrize("name", SENDINGS)
def test_what_was_sent_is_what_was_stored_recognised_or_refused(client, name):
    door, media_type, body, expected = SENDINGS[name]

    answer = client.post(door, data=body, content_type=media_type)

    assert answer.status_code == 200, answer.data
    samples = scraped(client)
    sent = samples[f"agentlogger_ingest_sent_records_total door={door}"]
    became = [
        samples[f"agentlogger_ingest_records_total door={door} result={result}"]
        for result in ("stored", "duplicate", "refused")
    ]
    assert sum(became) == sent
    for found, wanted in zip((sent, *became), expected, strict=True):
        assert wanted is None or found == wanted
    listed = client.get("/api/v1/logs").get_json()["items"]
    assert len(listed) == became[0]
    assert samples[f"agentlogger_ingest_bytes_total door={door}"] == len(body)
    assert samples[f"agentlogger_ingest_requests_total door={door} status=200"] == 1
    answered = "agentlogger_ingest_acknowledgement_seconds"
    assert samples[f"{answered}_count door={door}"] == 1
    assert samples[f"{answered}_bucket door={door} le=+Inf"] == 1
    if name not in {"metrics", "spans"}:
        assert samples["agentlogger_ingest_replaced_values_total rule=text.nul"] >= 1


def test_the_answer_to_plain_json_adds_up_and_names_each_refused_record(client):
    answer = client.post("/api/v1/logs", data=LINES, content_type="application/x-ndjson").get_json()

    assert answer["sent"] == (answer["accepted"] + answer["duplicates"] + answer["rejected_count"])
    assert [(item["index"], item["code"]) for item in answer["rejected"]] == [
        (2, "record.undecodable"),
        (3, "record.not_object"),
    ]


def test_where_all_are_refused_each_is_named_too(client):
    answer = client.post("/api/v1/logs", json=[1, 2])

    assert answer.status_code == 422
    rejected = answer.get_json()["errors"]["rejected"]
    assert [item["index"] for item in rejected] == [0, 1]


def test_findings_are_told_with_their_sender_and_what_to_do(client):
    client.post(
        "/v1/logs", data=protobuf(export("a", "b")), content_type="application/x-protobuf",
        headers={"User-Agent": "OTel-OTLP-Exporter-Python/1.45"},
    )  # fmt: skip
    client.post("/api/v1/logs", data=LINES, content_type="application/x-ndjson")

    items = {(item["kind"], item["code"], item["door"]): item for item in told(client)}

    twice = items["duplicate", "record.duplicate", "/v1/logs"]
    assert (twice["count"], twice["service"]) == (1, "agent")
    assert twice["agent"] == "OTel-OTLP-Exporter-Python/1.45"
    assert twice["reason"] == "1 of 2 records were stored before"
    replaced = items["replacement", "text.nul", "/v1/logs"]
    assert replaced["count"] == 2
    refused = items["refusal", "record.not_object", "/api/v1/logs"]
    assert refused["reason"] == "record 3: a record must be an object, and this is []"
    assert all(item["fix"] for item in items.values())
    assert {item["kind"] for item in told(client, kind="refusal")} == {"refusal"}
    assert client.get("/api/v1/ingest?kind=odd").status_code == 422


@pytest.mark.parametrize(
    ("door", "given", "kind", "code"),
    [
        ("/v1/traces/v1/traces", {"data": b"{}"}, "wrong_door", "http.404"),
        ("/", {"data": b"{}"}, "wrong_door", "http.405"),
        ("/v1/logs", {"data": b"{", "content_type": "application/json"}, "undecodable",
         "body.undecodable"),
        ("/v1/logs", {"data": b"x", "content_type": "text/plain"}, "undecodable",
         "body.media_type"),
    ],
)  # fmt: skip
def test_a_request_of_which_nothing_was_stored_is_told(client, door, given, kind, code):
    for _ in range(2):
        assert client.post(door, **given).status_code >= 400

    (item,) = told(client)
    assert (item["kind"], item["code"], item["door"], item["count"]) == (kind, code, door, 2)
    assert item["reason"]
    assert item["fix"]


def test_equal_findings_are_one_row_and_the_oldest_give_way(client, monkeypatch):
    monkeypatch.setattr(store, "FINDINGS_KEPT", 3)
    for number in range(5):
        for _ in range(2):
            client.post("/api/v1/logs", json=[1], headers={"User-Agent": f"agent {number}"})
        told(client)

    items = told(client)

    assert [item["agent"] for item in items] == ["agent 4", "agent 3", "agent 2"]
    assert {item["count"] for item in items} == {2}


def test_findings_wait_while_they_cannot_be_written_and_what_finds_no_room_is_counted(
    app, client, monkeypatch
):
    monkeypatch.setattr(findings, "FINDINGS_PENDING_PROJECT", 2)
    note = store.note

    def away(*_: object) -> None:
        raise DatabaseUnavailable("It is away.", retry_after=2)

    monkeypatch.setattr(store, "note", away)
    for number in range(3):
        client.post("/api/v1/logs", json=[1], headers={"User-Agent": f"agent {number}"})
    assert told(client) == []
    monkeypatch.setattr(store, "note", note)

    assert [item["agent"] for item in told(client)] == ["agent 1", "agent 0"]
    assert app.extensions[COUNTERS].total(counters.FINDINGS_LOST, "refusal") == 1
    assert app.extensions[PENDING].take() == []


def test_a_sender_that_writes_what_no_database_holds_is_told_all_the_same(client):
    client.post("/api/v1/logs", json={"resource": {"service.name": NUL}, "m": NUL})

    (item,) = told(client)

    assert item["service"] == "a\N{REPLACEMENT CHARACTER}b"


def test_the_page_shows_findings_as_text_and_what_to_do(client):
    text = client.get("/ingest").get_data(as_text=True)
    assert "Nothing to tell" in text
    client.post("/api/v1/logs", json=["<script>alert(1)</script>"], headers={"User-Agent": "<b>"})
    client.post("/v1/logs/v1/logs")

    text = client.get("/ingest").get_data(as_text=True)

    assert "2 refused" in text
    assert "The path is doubled" in text
    assert "<script>alert" not in text
    assert "&lt;b&gt;" in text
    assert 'href="/ingest"' in client.get("/", headers={"Accept": "text/html"}).get_data(
        as_text=True
    )
