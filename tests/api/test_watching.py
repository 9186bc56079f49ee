"""The schema watch: who sends which event with which attributes, since when, within bounds."""

from __future__ import annotations

import time
from typing import Any

import pytest

from agentlogger.app import noting
from agentlogger.blueprints import watching
from agentlogger.errors import DatabaseUnavailable
from agentlogger.intake import sightings
from agentlogger.store import sightings as store


def send(client, *lines: dict[str, Any], version: str = "1", service: str = "agent") -> None:
    resource = {"resource": {"service.name": service, "service.version": version}}
    answer = client.post("/api/v1/logs", json=[resource | line for line in lines])
    assert answer.status_code == 200, answer.get_json()


def watched(client, **asked: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/schema-watch", query_string=asked)
    assert answer.status_code == 200, answer.get_json()
    page: dict[str, Any] = answer.get_json()
    return page


def told(page: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            item["version"],
            item["event"],
            item["records"],
            {one["name"]: one["records"] for one in item["attributes"]},
        )
        for item in page["items"]
    )


def test_each_version_shows_its_events_with_their_attributes(client):
    send(client, {"event": "ask", "a": 1, "b": 1}, {"event": "ask", "b": 2, "a": 3})
    send(client, {"event": "ask", "a": 1}, {"message": "of no event"})
    send(client, {"event": "ask", "a": 1, "new": 1}, version="2")

    page = watched(client)

    assert told(page) == [
        ("1", "", 1, {}),
        ("1", "ask", 3, {"a": 3, "b": 2}),
        ("2", "ask", 1, {"a": 1, "new": 1}),
    ]
    assert (page["is_more"], page["left_out"]) == (False, None)
    assert {item["service"] for item in page["items"]} == {"agent"}


def test_it_is_asked_for_by_service_version_event_and_attribute(client):
    send(client, {"event": "ask", "a": 1, "b": 1}, {"event": "answer", "b": 1})
    send(client, {"event": "ask", "a": 1}, version="2", service="other")

    assert told(watched(client, attribute="b")) == [
        ("1", "answer", 1, {"b": 1}),
        ("1", "ask", 1, {"b": 1}),
    ]
    assert told(watched(client, service="other")) == [("2", "ask", 1, {"a": 1})]
    assert told(watched(client, version="1", event="answer")) == [("1", "answer", 1, {"b": 1})]
    assert len(watched(client, limit=1)["items"]) == 1
    assert watched(client, limit=1)["is_more"]


def test_what_is_new_is_told_from_what_was_there(client):
    send(client, {"event": "ask", "a": 1})
    watched(client)
    since = time.time_ns()
    send(client, {"event": "ask", "a": 1, "later": 1})
    send(client, {"event": "ask", "a": 1}, version="2")

    assert told(watched(client, new_since=since)) == [
        ("1", "ask", 2, {"later": 1}),
        ("2", "ask", 1, {"a": 1}),
    ]
    assert watched(client, new_since=time.time_ns())["items"] == []


def test_nothing_is_written_for_what_is_known_but_once_a_minute(app, client, monkeypatch):
    written = []
    note = store.note

    def noted(scope, taken):
        taken = list(taken)
        written.extend(one.records for one in taken)
        note(scope, taken)

    monkeypatch.setattr(store, "note", noted)
    with app.app_context():
        watching.write_down()
        for _ in range(3):
            send(client, {"event": "ask", "a": 1})
            watching.write_down()
        assert written == [1]
        monkeypatch.setattr(sightings, "EVERY_NS", 0)
        watching.write_down()
        assert written == [1, 2]
    assert told(watched(client)) == [("1", "ask", 3, {"a": 3})]


def test_a_client_cannot_make_it_grow_and_what_exceeds_is_counted(client, monkeypatch):
    monkeypatch.setattr(store, "SIGHTINGS_KEPT", 3)
    for number in range(5):
        send(client, {"event": "ask", f"a{number}": 1}, {"event": "ask", f"a{number}": 1})
        watched(client)

    page = watched(client)

    assert told(page) == [("1", "ask", 6, {"a0": 2, "a1": 2, "a2": 2})]
    assert page["left_out"]["records"] == 4
    # Those that nobody has sent for long make room.
    monkeypatch.setattr(store, "SIGHTINGS_FORGOTTEN_DAYS", 0)
    send(client, {"event": "ask", "b": 1})
    assert told(watched(client)) == [("1", "ask", 1, {"b": 1})]


def test_a_worker_remembers_no_more_than_it_may(client, monkeypatch):
    monkeypatch.setattr(sightings, "SIGHTINGS_PENDING", 2)
    monkeypatch.setattr(sightings, "SIGHTING_NAMES_CHARACTERS", 5)
    send(client, *({"event": f"e{number}", "abc": 1, "abd": 1} for number in range(4)))

    page = watched(client)

    assert [(item["is_cut"], len(item["attributes"])) for item in page["items"]] == [(True, 1)] * 2
    assert page["left_out"]["records"] == 2


def test_it_waits_while_the_database_is_away_and_is_whole_at_the_end(app, client, monkeypatch):
    note = store.note

    def away(*_: object) -> None:
        raise DatabaseUnavailable("It is away.", retry_after=2)

    send(client, {"event": "ask", "a": 1})
    monkeypatch.setattr(store, "note", away)
    with app.app_context(), pytest.raises(DatabaseUnavailable):
        watching.write_down()
    monkeypatch.setattr(store, "note", note)
    send(client, {"event": "ask", "a": 1})
    worker = noting(app)
    worker.start()
    worker.stop()

    monkeypatch.setattr(watching, "write_down", lambda **_: None)
    assert told(watched(client)) == [("1", "ask", 2, {"a": 2})]


def test_what_was_recognised_as_sent_before_is_not_seen_again(client):
    for _ in range(2):
        send(client, {"event": "ask", "id": 1})

    assert told(watched(client)) == [("1", "ask", 1, {"id": 1})]
