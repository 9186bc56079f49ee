"""Whose saved searches they are, and what a browser must show to save one."""

from __future__ import annotations

import pytest

from agentlogger.store.key_format import SHOWN_CHARACTERS
from tests.api.test_searches import ERRORS, ROUTE, names
from tests.gate.conftest import bearer


@pytest.mark.usefixtures("alice")
def test_another_project_sees_none_of_it(client, make_key):
    ours, theirs = make_key("read"), make_key("read", project="theirs")
    saved = client.post(ROUTE, json=ERRORS, headers=bearer(ours))
    where = saved.headers["Location"]

    assert saved.get_json()["created_by"] == f"of a test ({ours[:SHOWN_CHARACTERS]})"
    assert names(client, headers=bearer(theirs)) == []
    assert client.get(where, headers=bearer(theirs)).status_code == 404
    assert client.delete(where, headers=bearer(theirs)).status_code == 404
    assert client.post(ROUTE, json=ERRORS, headers=bearer(theirs)).status_code == 201
    assert client.post(ROUTE, json=ERRORS, headers=bearer(make_key("ingest"))).status_code == 403


def test_a_browser_needs_the_token_of_a_page(signed_in):
    page = signed_in.get("/", headers={"Accept": "text/html"}).get_data(as_text=True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]

    assert signed_in.post(ROUTE, json=ERRORS).status_code == 400
    saved = signed_in.post(ROUTE, json=ERRORS, headers={"X-CSRFToken": token})
    assert (saved.status_code, saved.get_json()["created_by"]) == (201, "alice@example.org")
    assert signed_in.delete(saved.headers["Location"]).status_code == 400
    assert names(signed_in) == ["Errors"]
