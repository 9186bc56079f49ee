"""Headers of the API: a request's id, and tags of what has not changed."""

from __future__ import annotations

import logging

import pytest

from agentlogger.store import logs


def test_a_request_keeps_its_id_in_the_answer_and_in_a_problem(client):
    named = {"X-Request-ID": "checkout/7f3a"}

    assert client.get("/api/v1/logs", headers=named).headers["X-Request-ID"] == "checkout/7f3a"
    refused = client.get("/api/v1/logs?limit=none", headers=named)
    assert refused.headers["X-Request-ID"] == "checkout/7f3a"
    assert refused.get_json()["request_id"] == "checkout/7f3a"


@pytest.mark.parametrize("given", ["", "two words", "é", 'a"b', "x" * 129])
def test_an_id_that_could_not_be_repeated_gives_way_to_one_that_is_made(client, given):
    first, second = (client.get("/api/v1/logs", headers={"X-Request-ID": given}) for _ in "12")

    assert len(first.headers["X-Request-ID"]) == 32
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_a_request_that_failed_is_named_in_the_log(client, monkeypatch, caplog):
    monkeypatch.setattr(logs, "one", lambda *_: 1 / 0)

    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/v1/logs/x", headers={"X-Request-ID": "r-1"})

    assert (answer.status_code, answer.get_json()["request_id"]) == (500, "r-1")
    assert "GET /api/v1/logs/x failed, request r-1" in caplog.text
    # A page shows nothing but the sentence.
    assert answer.get_json()["detail"].endswith("AgentLogger itself: its log says what, at r-1.")


@pytest.mark.parametrize("what", ["a record", "a page"])
def test_what_has_not_changed_is_not_sent_again_and_what_has_is(client, what):
    client.post("/api/v1/logs", json={"body": "first"})
    (record,) = client.get("/api/v1/logs").get_json()["items"]
    path = "/api/v1/logs" if what == "a page" else f"/api/v1/logs/{record['id']}"
    seen = client.get(path)

    known = client.get(path, headers={"If-None-Match": seen.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    assert known.headers["ETag"] == seen.headers["ETag"]

    client.post("/api/v1/logs", json={"body": "second"})
    changed = client.get("/api/v1/logs", headers={"If-None-Match": seen.headers["ETag"]})
    assert (changed.status_code, len(changed.get_json()["items"])) == (200, 2)
