"""Saved searches: a query under a name, for all who read a project."""

from __future__ import annotations

import pytest

from agentlogger.blueprints.users import BY_THIS_MACHINE
from agentlogger.limits import FORM_BYTES
from agentlogger.store import searches as store

ROUTE = "/api/v1/searches"
ERRORS = {"name": "Errors", "query": "level:>=error"}


def names(client, **options) -> list[str]:
    return [item["name"] for item in client.get(ROUTE, **options).get_json()["items"]]


def test_a_search_is_saved_listed_renamed_and_deleted(client):
    answer = client.post(ROUTE, json=ERRORS)
    client.post(ROUTE, json={"name": "bash", "query": "tool:Bash"})

    saved = answer.get_json()
    where = answer.headers["Location"]
    assert answer.status_code == 201
    assert {**saved, **ERRORS} == saved
    assert saved["created_by"] == BY_THIS_MACHINE
    assert names(client) == ["bash", "Errors"]
    assert client.get(where).get_json() == saved
    renamed = client.patch(where, json={"name": "  Failures "}).get_json()
    assert renamed == saved | {"name": "Failures"}
    assert client.get(where).get_json() == renamed
    assert client.patch(where, json={"name": "bash"}).get_json()["code"] == "name.taken"
    assert client.delete(where).status_code == 204
    assert names(client) == ["bash"]
    for answer in (
        client.get(where),
        client.patch(where, json={"name": "x"}),
        client.delete(where),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "search.missing")


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        ({"name": "x", "query": "levl:>=error"}, 422, "level"),
        ({"name": "x", "query": '"open'}, 422, "not closed"),
        ({"name": "x", "query": "a " * 60}, 422, "terms"),
        ({"name": " ", "query": ""}, 422, "name"),
        ({"name": "two\nlines", "query": ""}, 422, "name"),
        ({"name": "x" * 101, "query": ""}, 422, "name"),
        ({"name": "x"}, 422, "query"),
        ({"name": "x", "query": "", "owner": "me"}, 422, "unknown. Known are name, query."),
        ({"name": "x", "qurey": ""}, 422, "did you mean query?"),
        ([], 422, "_schema"),
        ({"name": "x", "query": "a" * FORM_BYTES}, 413, "bytes"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_told(client, sent, status, told):
    answer = client.post(ROUTE, json=sent)

    assert answer.status_code == status
    assert told in answer.get_data(as_text=True)
    assert names(client) == []


def test_a_body_that_is_no_json_is_refused(client):
    answers = [
        client.post(ROUTE, data=b"{", content_type="application/json"),
        client.post(ROUTE, data={"name": "x", "query": ""}),
    ]

    assert [answer.status_code for answer in answers] == [400, 415]


def test_a_name_is_taken_once_and_the_room_is_bounded(client, monkeypatch):
    monkeypatch.setattr(store, "SAVED_SEARCHES", 2)
    client.post(ROUTE, json=ERRORS)

    assert client.post(ROUTE, json=ERRORS).get_json()["code"] == "name.taken"
    assert client.post(ROUTE, json={"name": "b", "query": ""}).status_code == 201
    full = client.post(ROUTE, json={"name": "c", "query": ""})
    assert (full.status_code, full.get_json()["code"]) == (409, "search.full")
