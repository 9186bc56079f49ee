"""Alerts through HTTP: made, changed and deleted, and what makes no sense is refused and told."""

from __future__ import annotations

import pytest

from agentlogger.app import create_app
from agentlogger.blueprints.users import BY_THIS_MACHINE
from agentlogger.config import read_settings
from agentlogger.errors import SettingInvalid
from agentlogger.schemas.alerts import KEY_CHARACTERS
from agentlogger.store.alerts import alerts as store
from agentlogger.store.key_format import SHOWN_CHARACTERS
from tests.conftest import settings_for
from tests.gate.conftest import alice, bearer, make_key

__all__ = ["alice", "make_key"]

ROUTE = "/api/v1/alerts"
COUNT = {
    "name": "Errors", "kind": "count", "query": "level:>=error", "threshold": 5,
    "window_seconds": 300, "url": "https://hooks.example.org/a/secret?path=1#part",
}  # fmt: skip
BUDGET = {
    "name": "Budget", "kind": "budget", "threshold": 5_000_000, "window_seconds": 86_400,
    "per": "user", "url": "http://10.0.0.7:8080",
}  # fmt: skip
SILENCE = {"name": "Quiet", "kind": "silence", "window_seconds": 600, "url": "http://[::1]:9/"}

SENSELESS = [
    (COUNT | {"query": "levl:>=error"}, "level"),
    (COUNT | {"query": None}, "query"),
    (COUNT | {"search": "5f1c7a9e-2b04-4c40-9d2b-6e713b7e3914"}, "either"),
    ({**COUNT, "search": "5f1c7a9e-2b04-4c40-9d2b-6e713b7e3914"} | {"query": "x"}, "either"),
    (COUNT | {"window_seconds": 59}, "window_seconds"),
    (COUNT | {"window_seconds": 86_401}, "86,400"),
    (COUNT | {"threshold": "5"}, "whole number"),
    (COUNT | {"threshold": True}, "whole number"),
    (COUNT | {"per": "key"}, "project, session, user"),
    (COUNT | {"per": "user", "comparison": "<"}, "whole project"),
    (COUNT | {"key": "alog_123456"}, "means nothing"),
    (COUNT | {"url": "ftp://example.org/"}, "https://example.org/path"),
    (COUNT | {"url": "http:///path"}, "https://example.org/path"),
    (COUNT | {"url": "http://a:99999/"}, "https://example.org/path"),
    (COUNT | {"url": "http://me:pw@example.org/"}, "password"),
    (COUNT | {"url": "http://example.org/a\r\nX: y"}, "printable"),
    (COUNT | {"url": f"http://example.org/{'a' * 2_000}"}, "2000"),
    (BUDGET | {"comparison": "<"}, "whole project"),
    (BUDGET | {"query": "x"}, "means nothing"),
    ({**BUDGET, "threshold": None}, "threshold"),
    (SILENCE | {"threshold": 5}, "means nothing"),
    (SILENCE | {"per": "session"}, "project, key"),
    (SILENCE | {"key": "alog_123456"}, "no valid key"),
    (SILENCE | {"treshold": 5}, "did you mean threshold?"),
    (SILENCE | {"name": "two\nlines"}, "control"),
    ({"name": "x"}, "kind"),
    ([], "_schema"),
]
"""What is sent, and a word of what is told of it."""


def names(client, **options) -> list[str]:
    return [item["name"] for item in client.get(ROUTE, **options).get_json()["items"]]


def test_an_alert_is_made_listed_changed_and_deleted(client):
    answer = client.post(ROUTE, json=COUNT)
    for other in (BUDGET, SILENCE):
        assert client.post(ROUTE, json=other).status_code == 201

    made, where = answer.get_json(), answer.headers["Location"]
    assert answer.status_code == 201
    assert made.pop("secret").startswith("whsec_")
    expected = COUNT | {
        "comparison": ">", "per": "project", "receiver": "https://hooks.example.org",
        "enabled": True, "firing": False, "value": None, "problem": None, "search": None,
        "created_by": BY_THIS_MACHINE,
    }  # fmt: skip
    del expected["url"]
    assert made | expected == made
    assert client.get(where).get_json() == made
    assert names(client) == ["Budget", "Errors", "Quiet"]
    changed = client.patch(
        where, json={"name": "Faults", "threshold": 7, "url": "http://a.example", "enabled": False}
    ).get_json()
    assert (changed["name"], changed["threshold"], changed["enabled"]) == ("Faults", 7, False)
    assert changed["receiver"] == "http://a.example"
    assert client.get(where).get_json() == changed
    assert client.patch(where, json={"name": "Quiet"}).get_json()["code"] == "name.taken"
    assert client.delete(where).status_code == 204
    for answer in (
        client.get(where),
        client.patch(where, json={"threshold": 1}),
        client.delete(where),
        client.post(f"{where}/test"),
        client.get(f"{where}/states"),
        client.get(f"{where}/deliveries"),
        client.get(f"{ROUTE}/else"),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "alert.missing")


def test_what_makes_no_sense_is_refused_and_told(client):
    for sent, told in SENSELESS:
        answer = client.post(ROUTE, json=sent)
        assert answer.status_code == 422, (sent, answer.get_json())
        assert told in answer.get_data(as_text=True), sent
    assert names(client) == []


def test_a_count_is_of_a_saved_search_that_is_there(client):
    saved = client.post("/api/v1/searches", json={"name": "E", "query": "level:error"}).get_json()
    wanted = {name: value for name, value in COUNT.items() if name != "query"}
    other = client.post(ROUTE, json=wanted | {"search": "5f1c7a9e-2b04-4c40-9d2b-6e713b7e3914"})
    made = client.post(ROUTE, json=wanted | {"search": saved["id"]}).get_json()

    assert (other.status_code, list(other.get_json()["errors"])) == (422, ["search"])
    assert (made["search"], made["query"]) == (saved["id"], "level:error")


def test_a_change_of_what_never_changes_is_refused(client):
    where = client.post(ROUTE, json=SILENCE).headers["Location"]
    for change in (
        {"query": "x"}, {"threshold": 5}, {"enabled": "yes"}, {"threshold": -1},
        {"url": "file:///etc/passwd"},
    ):  # fmt: skip
        assert client.patch(where, json=change).status_code == 422, change
    assert client.patch(where, json={}).get_json()["name"] == "Quiet"


def test_the_room_is_bounded(client, monkeypatch):
    monkeypatch.setattr(store, "ALERTS", 1)
    client.post(ROUTE, json=SILENCE)

    assert client.post(ROUTE, json=SILENCE).get_json()["code"] == "name.taken"
    assert client.post(ROUTE, json=COUNT).get_json()["code"] == "alert.full"


@pytest.mark.usefixtures("alice")
def test_another_project_sees_none_of_it_and_a_whole_key_is_not_kept(client, make_key):
    ours, theirs = make_key("read"), make_key("read", project="theirs")
    made = client.post(ROUTE, json=SILENCE | {"key": ours}, headers=bearer(ours))
    where, told = made.headers["Location"], made.get_json()

    assert KEY_CHARACTERS == SHOWN_CHARACTERS
    assert (told["key"], told["per"]) == (ours[:SHOWN_CHARACTERS], "key")
    assert told["created_by"] == f"of a test ({ours[:SHOWN_CHARACTERS]})"
    assert names(client, headers=bearer(theirs)) == []
    for path in ("", "/states", "/deliveries"):
        assert client.get(f"{where}{path}", headers=bearer(theirs)).status_code == 404
    assert client.patch(where, json={}, headers=bearer(theirs)).status_code == 404
    assert client.post(f"{where}/test", headers=bearer(theirs)).status_code == 404
    assert client.delete(where, headers=bearer(theirs)).status_code == 404
    of_theirs = client.post(ROUTE, json=SILENCE | {"key": ours}, headers=bearer(theirs))
    assert of_theirs.status_code == 422
    assert client.post(ROUTE, json=COUNT, headers=bearer(make_key("ingest"))).status_code == 403


def test_the_operator_says_where_alerts_go(database_url, tmp_path):
    settings = settings_for(
        database_url, tmp_path, AGENTLOGGER_WEBHOOK_HOSTS=" Hooks.example.org, .internal"
    )
    hosts = ("hooks.example.org", "HOOKS.example.org.", "a.internal", "internal", "example.org")
    assert [settings.may_be_told(host) for host in hosts] == [True, True, True, False, False]
    client = create_app(settings).test_client()
    refused = client.post(ROUTE, json=SILENCE)
    assert (refused.status_code, "AGENTLOGGER_WEBHOOK_HOSTS" in refused.text) == (422, True)
    where = client.post(ROUTE, json=COUNT).headers["Location"]
    assert client.patch(where, json={"url": "http://example.org"}).status_code == 422
    with pytest.raises(SettingInvalid, match=r"AGENTLOGGER_WEBHOOK_HOSTS names 'http://a'"):
        read_settings(
            {"AGENTLOGGER_WEBHOOK_HOSTS": "http://a", "AGENTLOGGER_INSTANCE": str(tmp_path)}
        )
