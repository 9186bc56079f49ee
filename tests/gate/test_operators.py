"""What tells about the server is for its admins and its scrapers, not for whoever may read."""

from __future__ import annotations

import pytest

from agentlogger.blueprints import users as users_door
from agentlogger.blueprints.gate import needs
from agentlogger.store import keys, users
from tests.gate.conftest import PASSWORD, STAGE, bearer, sign_in

HTML = {"Accept": "text/html"}


@pytest.mark.parametrize("path", ["/schema", "/metrics"])
def test_without_accounts_this_machine_sees_it_and_no_other(client, path):
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"Host": "elsewhere.example"}).status_code == 403
    assert client.get(path, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


def test_an_admin_sees_it_and_is_led_there_and_changes_nothing_by_the_cookie(app, alice):
    """No other site can make a browser change what only an admin may change."""
    view = users_door.csrf.exempt(needs("admin")(lambda: "changed"))
    app.add_url_rule("/change", "change", view, methods=["GET", "POST"])
    browser = app.test_client()
    sign_in(browser, alice, PASSWORD)

    assert 'href="/schema"' in browser.get("/", headers=HTML).get_data(as_text=True)
    for path in ("/schema", "/metrics", "/change"):
        assert browser.get(path).status_code == 200
    assert browser.post("/change").status_code == 403


@pytest.mark.usefixtures("alice")
def test_who_is_no_admin_is_told_so_and_not_led_there(app):
    email = "bob@example.org"
    with app.app_context():
        users.create(STAGE, email=email, password=PASSWORD, full_name=None, is_admin=False)
    browser = app.test_client()
    sign_in(browser, email, PASSWORD)

    assert 'href="/schema"' not in browser.get("/", headers=HTML).get_data(as_text=True)
    refused = browser.get("/schema", headers=HTML)
    assert refused.status_code == 403
    assert "sign in as an admin" in refused.get_data(as_text=True)
    assert browser.get("/metrics").status_code == 403


@pytest.mark.usefixtures("alice")
def test_a_key_needs_its_scope(client, make_key):
    for path, scope in (("/schema", "admin"), ("/metrics", "metrics")):
        assert client.get(path).status_code == 401
        others = [one for one in keys.SCOPES if one != scope]

        refused = client.get(path, headers=bearer(make_key(*others)))

        assert (refused.status_code, refused.get_json()["code"]) == (403, "key.scope")
        assert f"--scope {scope}" in refused.get_json()["detail"]
        assert client.get(path, headers=bearer(make_key(scope))).status_code == 200
