"""A list shows the beginning of a large body, the record alone has all of it."""

from __future__ import annotations

import json

import pytest

from agentlogger.limits import LARGE_CHARACTERS, PREVIEW_CHARACTERS

SIZE = 1_000_000
ODD = 'x\n\t"\\\x01\u00e9\u4e2d\U0001f600'
"""Characters that take one to six in JSON, and one to four bytes in UTF-8."""


def send(client, *bodies) -> None:
    assert client.post("/api/v1/logs", json=[{"body": body} for body in bodies]).status_code == 200


def listed(client) -> list:
    return client.get("/api/v1/logs").get_json()["items"][::-1]


def alone(client, item) -> dict:
    return client.get(f"/api/v1/logs/{item['id']}").get_json()


def test_a_page_of_megabytes_is_a_page_of_beginnings(client):
    bodies = [f"{number} " + "word " * (SIZE // 5) for number in range(10)]
    send(client, *bodies)

    answer = client.get("/api/v1/logs")

    assert len(answer.data) < len(bodies) * 2 * PREVIEW_CHARACTERS
    items = listed(client)
    assert all(
        body.startswith(item["body"]) and len(item["body"]) >= PREVIEW_CHARACTERS - 1
        for body, item in zip(bodies, items, strict=True)
    )
    assert all(abs(item["truncated"]["body"] - SIZE) < 10 for item in items)
    whole = alone(client, items[3])
    assert (whole["body"], whole["truncated"]) == (bodies[3], None)


@pytest.mark.parametrize("before", range(6))
def test_a_text_is_cut_between_its_characters_wherever_the_cut_falls(client, before):
    text = "a" * before + ODD * LARGE_CHARACTERS
    send(client, text)

    (item,) = listed(client)

    assert text.startswith(item["body"])
    assert PREVIEW_CHARACTERS / 3 < len(item["body"]) <= PREVIEW_CHARACTERS
    assert alone(client, item)["body"] == text


def test_what_is_no_text_begins_as_its_json(client):
    body = {"messages": ["word " * LARGE_CHARACTERS]}
    send(client, body)

    (item,) = listed(client)

    assert item["body"].replace(" ", "").startswith('{"messages":["word')
    assert item["truncated"]["body"] >= 5 * LARGE_CHARACTERS
    assert alone(client, item)["body"] == body


def test_a_body_that_is_not_large_is_whole_and_of_its_own_type(client):
    bodies = [None, 1.0, "", False, {"a": [1, 2.5]}, "x" * (LARGE_CHARACTERS - 2)]
    send(client, *bodies)

    items = listed(client)

    assert json.dumps([item["body"] for item in items]) == json.dumps(bodies)
    assert {item["truncated"] for item in items} == {None}


def test_the_page_shows_the_beginning_and_the_record_all_of_it(client):
    send(client, "begin " + "x" * SIZE + " end")

    page = client.get("/").get_data(as_text=True)

    assert "begin x" in page
    assert len(page) < SIZE / 10
    (item,) = listed(client)
    assert "x end" in client.get(f"/r/{item['id']}").get_data(as_text=True)
