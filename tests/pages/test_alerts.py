"""The pages of alerts do what the API does, with its rights, and show others' text as text."""

from __future__ import annotations

import html
import re
import time

import pytest

from agentlogger.showing import alerts as showing
from tests.alerts.conftest import receiver, watch
from tests.gate.conftest import alice, bearer, make_key, sign_in, signed_in
from tests.pages.test_pages import EVERYTHING, HTML, page, require_harmless
from tests.pages.test_settings import token_of

__all__ = ["alice", "make_key", "receiver", "signed_in", "watch"]

COUNT = {
    "kind": "count", "name": "Errors", "query": "level:>=error", "comparison": ">",
    "threshold": "2", "window": "10", "unit": "min", "per": "project",
    "url": "https://hooks.example.org/a/secret",
}  # fmt: skip


def text_of(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def post(client, path: str, **fields):
    """Send a form with the token of a page."""
    token = token_of(page(client, "/alerts/new"))
    return client.post(path, data={"csrf_token": token, **fields}, headers=HTML)


def made(client, **change) -> tuple[str, str]:
    """Make an alert by the form: the page that follows, and the alert's own address."""
    answer = post(client, "/alerts/new", **COUNT | change)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200, text
    address = re.search(r'action="(/alerts/[-0-9a-f]{36})"', text)
    assert address is not None
    return text, address[1]


def test_an_alert_is_made_shown_changed_paused_and_deleted_by_forms(client):
    assert "None yet" in page(client, "/alerts")
    text, address = made(client)
    secret = re.search(r"<pre>(whsec_[^<]+)</pre>", text)

    assert secret is not None
    shown = text_of(page(client, address))
    assert "ok Errors More than 2 records like level:>=error within 10 min." in shown
    assert secret[1] not in page(client, address)
    assert "a/secret" not in page(client, address) + page(client, "/alerts")
    assert "https://hooks.example.org" in shown

    post(client, address, name="Failures", threshold="5", url="")
    post(client, f"{address}/enabled", enabled="no")
    listed = text_of(page(client, "/alerts"))
    assert "off Failures More than 5 records like level:>=error within 10 min" in listed
    (item,) = client.get("/api/v1/alerts").get_json()["items"]
    assert (item["threshold"], item["enabled"], item["created_by"]) == (5, False, "this machine")

    post(client, f"{address}/enabled", enabled="yes")
    assert "ok Failures" in text_of(page(client, "/alerts"))
    assert post(client, f"{address}/delete").status_code == 302
    assert client.get(address, headers=HTML).status_code == 404
    assert "None yet" in page(client, "/alerts")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"threshold": "many"}, "Threshold: A number of records is a whole number."),
        ({"threshold": "many", "url": "x", "name": ""}, "Name: Length must be between 1"),
        ({"threshold": "many", "url": "x"}, "Address: An address is written"),
        ({"window": "1.5"}, "Time: A length of time is a whole number"),
        ({"window": "2", "unit": "days"}, "Time: A count looks back 86,400 seconds at most."),
        ({"url": "ftp://x"}, "Address: An address is written as https://example.org/path."),
        ({"query": "levl:>=error"}, "Query:"),
        ({"kind": "budget", "threshold": "1e5"}, "Threshold: An amount of dollars is written"),
        ({"kind": "silence", "key": "alog_000000"}, "Key: The project has no valid key"),
    ],
)
def test_a_form_that_means_nothing_comes_back_as_it_was_and_says_why(client, change, told):
    answer = post(client, "/alerts/new", **COUNT | {"name": 'So "called"'} | change)

    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in text_of(text).replace(" :", ":")
    assert ('value="So &#34;called&#34;"' in text) == ("name" not in change)
    assert client.get("/api/v1/alerts").get_json()["items"] == []


def test_the_kinds_ask_what_the_api_asks(client):
    made(client, name="Dear", kind="budget", threshold="$1,234.50", unit="days", window="1")
    made(client, name="Quiet", kind="silence", unit="h", window="2")
    items = {one["name"]: one for one in client.get("/api/v1/alerts").get_json()["items"]}

    assert items["Dear"]["threshold"] == 1_234_500_000
    assert items["Quiet"]["window_seconds"] == 7_200
    listed = text_of(page(client, "/alerts"))
    assert "Calls of models cost more than $1,234.50 within 1 day" in listed
    assert "No data for 2 h" in listed
    taken = post(client, "/alerts/new", **COUNT | {"name": "Dear"})
    assert (taken.status_code, "exists already" in taken.get_data(as_text=True)) == (409, True)


def test_what_fires_and_how_each_try_went_is_told(client, watch, receiver):
    _, address = made(client, url=receiver.url)
    watch.send(*({"message": "no", "level": "error"},) * 3)
    watch.look()
    receiver.answers = [500]
    watch.deliver()

    shown = text_of(page(client, "/alerts"))
    assert "1 firing" in shown
    assert "Errors: 3 records in 10 min (alerts at > 2 records)." in shown
    assert "500" in text_of(page(client, address))
    post(client, f"{address}/test")
    assert '<meta http-equiv="refresh"' in page(client, f"{address}?tested=1")
    watch.deliver()
    told = page(client, f"{address}?tested=1")
    assert "answered 204 in" in text_of(told)
    assert '<meta http-equiv="refresh"' not in told


def test_only_who_may_read_a_project_sees_and_makes_its_alerts(client, alice, make_key, app):
    reads = bearer(make_key("read", project="shop"))
    api = client.post(
        "/api/v1/alerts",
        json={"name": "Theirs", "kind": "silence", "window_seconds": 60, "url": "http://a.b/"},
        headers=reads,
    )
    identifier = api.get_json()["id"]

    assert client.get("/alerts", headers=HTML).status_code == 302
    assert client.get("/alerts", headers=bearer(make_key("ingest"))).status_code == 403
    assert "Theirs" in client.get("/alerts", headers=reads).get_data(as_text=True)
    browser = app.test_client()
    sign_in(browser, alice, "correct horse battery")
    assert "Theirs" not in page(browser, "/alerts")
    assert "Theirs" in page(browser, "/alerts?project=shop")
    assert browser.get(f"/alerts/{identifier}", headers=HTML).status_code == 404
    for path in ("/alerts/new", f"/alerts/{identifier}/delete?project=shop"):
        assert browser.post(path, data=COUNT, headers=HTML).status_code == 400
    assert post(browser, f"/alerts/{identifier}/delete?project=shop").status_code == 302
    made(browser)
    (item,) = browser.get("/api/v1/alerts").get_json()["items"]
    assert item["created_by"] == alice


def test_what_an_alert_says_is_only_ever_text(client):
    name = "".join(one for one in EVERYTHING if one.isprintable())[:100]
    _, address = made(client, name=name, query='"><svg onload=alert(1)>\u202ex"')
    post(client, f"{address}/test")

    for path in ("/alerts", address, f"/alerts/new?q={name}"):
        require_harmless(re.sub(r' value="[^"]*"', "", page(client, path)))


def rule(**change):
    return {
        "kind": "count", "per": "project", "key": None, "comparison": ">", "threshold": 20,
        "query": "a b", "window_seconds": 90, "is_enabled": True, "is_firing": False,
        "problem": None, "evaluated_ns": time.time_ns(), "waits_until_ns": None,
    } | change  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ("More than 20 records like", "a b", "within 90 s")),
        ({"comparison": "<", "query": ""}, ("Fewer than 20 records within 90 s", "", "")),
        ({"comparison": ">=", "threshold": 1}, ("At least 1 record like", "a b", "within 90 s")),
        (
            {"kind": "budget", "threshold": 500_000, "per": "user", "window_seconds": 604_800},
            ("Calls of models cost more than $0.5000 within 1 week, each user by itself", "", ""),
        ),
        (
            {"kind": "silence", "key": "alog_a1B2c3", "per": "key"},
            ("No data with the key alog_a1B2c3… for 90 s", "", ""),
        ),
    ],
)
def test_what_an_alert_asks_is_said_in_words(change, words):
    found = showing.condition(rule(**change))

    assert (found.before, found.query, found.after) == words


@pytest.mark.parametrize(
    ("change", "seconds_later", "state"),
    [
        ({}, 0, "ok"),
        ({}, 61, "behind"),
        ({"problem": "More comes than is counted."}, 0, "behind"),
        ({"problem": "It took too long."}, 61, "cannot tell"),
        ({"is_firing": True, "problem": "It took too long."}, 61, "firing"),
        ({"is_enabled": False}, 61, "off"),
        ({"waits_until_ns": 1}, 0, "waits"),
        ({"waits_until_ns": 1, "problem": "More comes than is counted."}, 0, "behind"),
    ],
)
def test_how_an_alert_stands_is_one_word_and_a_reason(change, seconds_later, state):
    alert = rule(**change)

    stands = showing.standing(alert, alert["evaluated_ns"] + seconds_later * 10**9)

    assert stands.state == state
    assert bool(stands.why) == (state in {"behind", "cannot tell", "firing"})
