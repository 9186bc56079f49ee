"""Settings: who may see and change them, and that a key is shown once."""

from __future__ import annotations

import re

from agentlogger.store import projects, users
from tests.gate.conftest import PASSWORD, STAGE, sign_in
from tests.pages.test_pages import HTML, Markup, link, page


def token_of(text: str) -> str:
    return link(text, r'name="csrf_token" value="([^"]+)"')


def test_a_key_is_made_shown_once_used_and_revoked(client):
    token = token_of(page(client, "/settings"))
    project = client.post("/settings/projects", data={"csrf_token": token, "name": "<i>shop</i>"})
    given = {"csrf_token": token, "name": "</td>agent", "project": "<i>shop</i>", "days": "90"}

    made = client.post("/settings/keys", data=given | {"scopes": ["ingest", "read"]}, headers=HTML)

    assert project.status_code == 302
    text = made.get_data(as_text=True)
    key = link(text, r"<pre>(alog_[^<]+)</pre>")
    assert made.headers["Cache-Control"] == "no-store"
    assert f"Authorization=Bearer {key}" in text
    listed = page(client, "/settings")
    assert key not in listed
    assert not {"i", "b"} & {tag for tag, _ in Markup(listed).tags}
    assert re.search(r"&lt;i&gt;shop&lt;/i&gt;</td>\s*<td>ingest, read</td>", listed)
    headers = {"X-API-Key": key}
    assert client.post("/api/v1/logs", json={"message": "m"}, headers=headers).status_code == 200

    prefix = link(listed, r'name="prefix" value="([^"]+)"')
    gone = client.post("/settings/keys/revoke", data={"csrf_token": token, "prefix": prefix})

    assert gone.status_code == 302
    assert client.get("/api/v1/logs", headers=headers).status_code == 401
    twice = client.post("/settings/keys/revoke", data={"csrf_token": token, "prefix": prefix})
    assert twice.status_code == 404


def test_a_form_that_means_nothing_makes_nothing(client):
    token = token_of(page(client, "/settings"))
    good = {"csrf_token": token, "name": "agent", "project": "default", "scopes": "read"}

    for change, status in (
        ({"csrf_token": "another"}, 400),
        ({"name": ""}, 422),
        ({"name": "a" * 101}, 422),
        ({"project": "none"}, 422),
        ({"scopes": "everything"}, 422),
        ({"days": "0"}, 422),
    ):
        answer = client.post("/settings/keys", data=good | change, headers=HTML)

        assert answer.status_code == status, change
    assert "None yet" in page(client, "/settings")


def test_only_an_admin_sees_settings_and_changes_them_by_forms(app, client):
    """An admin's cookie is enough for the page's own forms, and for nothing else that writes."""
    with app.app_context():
        for name, is_admin in (("reader", False), ("admin", True)):
            email = f"{name}@example.org"
            users.create(STAGE, email=email, password=PASSWORD, full_name=None, is_admin=is_admin)
    sign_in(client, "reader@example.org", PASSWORD)
    assert client.get("/settings", headers=HTML).status_code == 403
    assert "/settings" not in page(client, "/")
    assert client.post("/settings/projects", data={"name": "a"}).status_code == 403

    sign_in(client, "admin@example.org", PASSWORD)
    token = token_of(page(client, "/settings"))
    assert client.post("/settings/projects", data={"name": "a"}).status_code == 400
    made = client.post("/settings/projects", data={"name": "a", "csrf_token": token})
    assert made.status_code == 302
    sent = client.post("/api/v1/logs", json={"message": "m"}, headers={"X-CSRFToken": token})
    assert sent.status_code == 403
    assert "admin@example.org" in page(client, "/settings")


def test_who_chooses_another_project_stays_on_the_page_and_in_the_project(app, client):
    with app.app_context():
        projects.create(STAGE, "shop")
        users.create(
            STAGE, email="a@example.org", password=PASSWORD, full_name=None, is_admin=False
        )
    sign_in(client, "a@example.org", PASSWORD)

    shown = page(client, "/runs?project=shop&q=level:error")

    markup = Markup(shown)
    links = [one for one in markup.values("href") if one.startswith(("/?", "/runs", "/ingest"))]
    others = [one for one in links if "project=shop" not in one]
    assert others == ["/runs?q=level:error&project=default"]
    assert len(links) > len(others)
