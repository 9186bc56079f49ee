"""No other site can act for you, in any mode; and every route has said whom it lets in."""

from __future__ import annotations

import pytest

from agentlogger.blueprints.gate import ANYONE, needed_scope
from tests.gate.conftest import bearer

FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://[not-an-origin"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/api/v1/logs"), ("POST", "/api/v1/logs")]
)
def test_what_another_site_sends_is_refused(client, headers, method, path):
    answer = client.open(
        path, method=method, json={} if method == "POST" else None, headers=headers
    )

    assert (answer.status_code, answer.get_json()["code"]) == (403, "gate.cross_site")


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_key_does_not_help_another_site(client, make_key, headers):
    answer = client.get("/api/v1/logs", headers=headers | bearer(make_key()))

    assert (answer.status_code, answer.get_json()["code"]) == (403, "gate.cross_site")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
    ids=str,
)
def test_the_own_page_and_programs_are_let_in(client, headers):
    assert client.get("/api/v1/logs", headers=headers).status_code == 200


def test_otlp_from_another_site_is_refused_in_otlps_words(client):
    answer = client.post(
        "/v1/logs",
        data=b"{}",
        content_type="application/json",
        headers={"Origin": "https://evil.example"},
    )

    assert (answer.status_code, answer.get_json()["code"]) == (403, 7)


def test_every_route_says_whom_it_lets_in(app):
    scopes = {rule.endpoint: needed_scope(app, rule.endpoint) for rule in app.url_map.iter_rules()}

    assert {endpoint for endpoint, scope in scopes.items() if scope is None} == set()
    assert {endpoint for endpoint, scope in scopes.items() if scope == ANYONE} == {
        "static",
        "health.live",
        "health.ready",
        "users.sign_in",
        "users.sign_out",
    }
