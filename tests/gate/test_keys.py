"""Keys: from the first account on, every request needs one."""

from __future__ import annotations

import base64
import time

import pytest

from agentlogger.app import create_app
from agentlogger.models.database import db
from agentlogger.store import key_format, keys, users
from agentlogger.store.scope import OperatorScope
from tests.conftest import settings_for
from tests.gate.conftest import PASSWORD, STAGE, bearer

SECRETS = OperatorScope("a test looks for what must not be there")
RECORD = {"message": "hello"}


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("path", ["/api/v1/logs", "/openapi.json", "/version", "/api/v1/logs/x"])
def test_once_an_account_exists_nothing_is_read_without_a_key(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.get_json()["code"]) == (401, "key.missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_first_account_that_another_program_makes_holds_for_the_next_request(
    client, database_url, tmp_path
):
    assert client.post("/api/v1/logs", json=RECORD).status_code == 200
    with create_app(settings_for(database_url, tmp_path / "another")).app_context():
        users.create(STAGE, email="a@b.example", password=PASSWORD, full_name=None, is_admin=True)
        db.engine.dispose()

    assert client.post("/api/v1/logs", json=RECORD).status_code == 401
    assert client.get("/api/v1/logs").status_code == 401


@pytest.mark.usefixtures("alice")
def test_a_page_sends_a_person_to_the_form(client):
    answer = client.get("/?session=7", headers={"Accept": "text/html"})

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/?session%3D7"


@pytest.mark.usefixtures("alice")
def test_a_key_lets_in_as_a_bearer_as_x_api_key_and_as_a_password(client, make_key):
    key = make_key()
    basic = base64.b64encode(f"anyone:{key}".encode()).decode()

    for headers in (bearer(key), {"X-API-Key": key}, {"Authorization": f"Basic {basic}"}):
        assert client.get("/api/v1/logs", headers=headers).status_code == 200


@pytest.mark.usefixtures("alice")
def test_a_key_does_only_what_its_scopes_say(client, make_key):
    reader, sender = make_key("read"), make_key("ingest")

    sent = client.post("/api/v1/logs", json=RECORD, headers=bearer(reader))
    read = client.get("/api/v1/logs", headers=bearer(sender))

    assert [(one.status_code, one.get_json()["code"]) for one in (sent, read)] == [
        (403, "key.scope"),
        (403, "key.scope"),
    ]


@pytest.mark.usefixtures("alice")
def test_a_key_sees_its_own_project_and_no_other(client, make_key):
    bob, charlie = make_key(project="bobs"), make_key(project="charlies")
    client.post("/api/v1/logs", json={"message": "bob's canary"}, headers=bearer(bob))
    listed = client.get("/api/v1/logs", headers=bearer(bob)).get_json()["items"]

    assert [record["body"] for record in listed] == ["bob's canary"]
    assert client.get("/api/v1/logs", headers=bearer(charlie)).get_json()["items"] == []
    stolen = client.get(f"/api/v1/logs/{listed[0]['id']}", headers=bearer(charlie))
    absent = client.get(f"/api/v1/logs/{'0' * 26}", headers=bearer(charlie))
    assert stolen.status_code == absent.status_code == 404
    assert "canary" not in stolen.get_data(as_text=True)


@pytest.mark.usefixtures("alice")
def test_a_revoked_key_is_refused_by_the_next_request(app, client, make_key):
    key = make_key()
    assert client.get("/api/v1/logs", headers=bearer(key)).status_code == 200
    with app.app_context():
        keys.revoke(SECRETS, key)

    answer = client.get("/api/v1/logs", headers=bearer(key))

    assert (answer.status_code, answer.get_json()["code"]) == (401, "key.invalid")


@pytest.mark.usefixtures("alice")
def test_an_expired_key_is_refused(client, make_key):
    key = make_key(expires_ns=time.time_ns() - 1)

    assert client.get("/api/v1/logs", headers=bearer(key)).status_code == 401


@pytest.mark.usefixtures("alice")
def test_the_use_of_a_key_is_noted(app, client, make_key):
    key = make_key()
    client.get("/api/v1/logs", headers=bearer(key))

    with app.app_context():
        (row,) = keys.all_of(SECRETS)

    assert time.time_ns() - row["last_used_ns"] < 60 * 10**9


def test_only_the_digest_of_a_key_is_stored(app, make_key):
    key = make_key()

    with app.app_context():
        (row,) = keys.all_of(SECRETS)

    assert key not in str(row)
    assert row["prefix"] == key[:11]
    assert len(row["digest"]) == 64


def test_a_key_is_recognisable_and_a_mistyped_one_is_known_without_the_database():
    key = key_format.new_key()

    assert key.startswith("alog_")
    assert len(key) == 41
    assert key_format.is_well_formed(key)
    for place in range(5, 41):
        other = "x" if key[place] != "x" else "y"
        assert not key_format.is_well_formed(key[:place] + other + key[place + 1 :])


@pytest.mark.usefixtures("alice")
def test_otlp_is_refused_in_its_own_words(client):
    answer = client.post("/v1/logs", data=b"{}", content_type="application/json")

    assert answer.status_code == 401
    assert answer.content_type == "application/json"
    assert answer.get_json()["code"] == 16
