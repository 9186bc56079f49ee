"""Without accounts, this machine is served without a key, and nobody else is at all."""

from __future__ import annotations

import pytest

from agentlogger.app import create_app
from tests.conftest import settings_for

LOOPBACK = ["127.0.0.1:4318", "localhost", "LOCALHOST:4318", "127.8.9.1", "[::1]:4318"]
ELSEWHERE = ["agentlogger.example.org", "10.0.0.7:4318", "localhost.example.org", "0.0.0.0", ""]


@pytest.mark.parametrize("host", LOOPBACK)
def test_a_loopback_name_needs_no_key(client, host):
    assert client.get("/api/v1/logs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ELSEWHERE)
def test_a_name_that_was_pointed_here_gets_403_with_the_reason(client, host):
    answer = client.get("/api/v1/logs", headers={"Host": host})

    assert (answer.status_code, answer.get_json()["code"]) == (403, "gate.host")
    assert "flask users create" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host"]
)
def test_a_proxy_gets_403_with_the_reason(client, header):
    answer = client.get("/api/v1/logs", headers={header: "127.0.0.1"})

    assert (answer.status_code, answer.get_json()["code"]) == (403, "gate.forwarded")
    assert header in answer.get_json()["detail"]


def test_a_client_on_another_machine_gets_403(client):
    answer = client.get("/api/v1/logs", environ_overrides={"REMOTE_ADDR": "10.0.0.9"})

    assert (answer.status_code, answer.get_json()["code"]) == (403, "gate.host")


def test_a_listener_on_another_address_gets_403(client):
    answer = client.get(
        "/api/v1/logs",
        headers={"Host": "127.0.0.1"},
        environ_overrides={"SERVER_NAME": "0.0.0.0"},
    )

    assert (answer.status_code, answer.get_json()["code"]) == (403, "gate.host")


def test_a_unix_socket_which_has_no_address_gets_403(client):
    answer = client.get("/api/v1/logs", environ_overrides={"REMOTE_ADDR": ""})

    assert answer.status_code == 403


def test_the_bearer_of_another_service_is_ignored_where_no_key_is_needed(client):
    answer = client.get("/api/v1/logs", headers={"Authorization": "Bearer sk-something"})

    assert answer.status_code == 200


def test_a_wrong_key_of_ours_is_refused_even_where_none_is_needed(client):
    answer = client.get("/api/v1/logs", headers={"Authorization": "Bearer alog_nonsense"})

    assert (answer.status_code, answer.get_json()["code"]) == (401, "key.invalid")


def test_a_server_bound_elsewhere_asks_for_a_key_even_without_accounts(database_url, tmp_path):
    app = create_app(settings_for(database_url, tmp_path, AGENTLOGGER_HOST="0.0.0.0"))

    answer = app.test_client().get("/api/v1/logs")

    assert (answer.status_code, answer.get_json()["code"]) == (401, "key.missing")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_answers_anybody_in_one_word(client, path):
    answer = client.get(
        path,
        headers={"Host": "probe.example.org", "X-Forwarded-For": "10.0.0.1"},
        environ_overrides={"REMOTE_ADDR": "10.0.0.9"},
    )

    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "ok\n")
