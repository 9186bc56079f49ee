"""What tells about the server is for its admins and its scrapers, not for whoever may read."""

from __future__ import annotations

import pytest

from agentlogger.blueprints import users as users_door
from agentlogger.blueprints.gate import needs
from agentlogger.store import users
from tests.gate.conftest import PASSWORD, STAGE, bearer, sign_in

HTML = {"Accept": "text/html"}


@pytest.fixture
def bobs_browser(app, alice):
    """A browser in which somebody has signed in who is no admin."""
    del alice
    with app.app_context():
        users.create(
            STAGE, email="bob@example.org", password=PASSWORD, full_name=None, is_admin=False
        )
    browser = app.test_client()
    sign_in(browser, "bob@example.org", PASSWORD)
    return browser


@pytest.mark.parametrize("path", ["/schema", "/metrics"])
def test_without_accounts_this_machine_sees_it_and_no_other(client, path):
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"Host": "elsewhere.example"}).status_code == 403
    assert client.get(path, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


def test_an_admin_sees_it_and_is_led_there(signed_in):
    assert 'href="/schema"' in signed_in.get("/", headers=HTML).get_data(as_text=True)
    assert signed_in.get("/schema", headers=HTML).status_code == 200
    assert signed_in.get("/metrics").status_code == 200


def test_who_is_no_admin_is_told_so_and_not_led_there(bobs_browser):
    assert 'href="/schema"' not in bobs_browser.get("/", headers=HTML).get_data(as_text=True)
    refused = bobs_browser.get("/schema", headers=HTML)
    assert refused.status_code == 403
    assert "sign in as an admin" in refused.get_data(as_text=True)
    assert bobs_browser.get("/metrics").status_code == 403


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(("path", "scope"), [("/schema", "admin"), ("/metrics", "metrics")])
def test_a_key_needs_its_scope(client, make_key, path, scope):
    assert client.get(path).status_code == 401
    others = [one for one in ("ingest", "read", "admin", "metrics") if one != scope]

    refused = client.get(path, headers=bearer(make_key(*others)))

    assert (refused.status_code, refused.get_json()["code"]) == (403, "key.scope")
    assert f"--scope {scope}" in refused.get_json()["detail"]
    assert client.get(path, headers=bearer(make_key(scope))).status_code == 200


def test_a_cookie_changes_nothing_for_an_admin_either(app, alice):
    """No other site can make a browser change what only an admin may change."""
    view = users_door.csrf.exempt(needs("admin")(lambda: "changed"))
    app.add_url_rule("/change", "change", view, methods=["GET", "POST"])
    browser = app.test_client()
    sign_in(browser, alice, PASSWORD)

    assert browser.get("/change").status_code == 200
    assert browser.post("/change").status_code == 403
