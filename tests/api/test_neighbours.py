"""A record with what was recorded around it."""

from __future__ import annotations

from typing import Any

import pytest

TRACE = "5b8efff798038103d269b633813fc60c"
BEGAN = 1_795_600_800_000_000_000


@pytest.fixture
def ids(client) -> list[str]:
    """Ten records in the order of their keys: equal times, two sessions, and one trace."""
    lines = [
        {
            "ts_ns": BEGAN + at // 4,
            "message": f"{at}",
            "session_id": "odd" if at % 2 else "even",
            **({"trace_id": TRACE} if at in {1, 2, 8} else {}),
        }
        for at in range(10)
    ]
    client.post("/api/v1/logs", json=[*lines, {"ts_ns": BEGAN + 9, "message": "alone"}])
    items = client.get("/api/v1/logs").get_json()["items"]
    return [item["id"] for item in reversed(items)]


def around(client, identifier: str, **asked: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/logs/{identifier}/neighbours", query_string=asked)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def said(found: dict[str, Any]) -> str:
    parts = [*found["before"], found["record"], *found["after"]]
    return " ".join(item["body"] for item in parts)


def test_they_are_those_of_the_session_by_the_order_of_keys(client, ids):
    found = around(client, ids[5], before=2, after=1)

    assert (said(found), found["within"]) == ("1 3 5 7", "session")
    assert (found["is_first"], found["is_last"]) == (True, False)
    assert said(around(client, ids[4])) == "0 2 4 6 8"


def test_they_may_be_those_of_the_trace_or_of_the_project(client, ids):
    assert said(around(client, ids[2], within="trace")) == "1 2 8"
    found = around(client, ids[5], within="project", before=3, after=2)
    assert said(found) == "2 3 4 5 6 7"
    assert (found["is_first"], found["is_last"]) == (False, False)
    alone = around(client, ids[10], before=1, after=0)
    assert (said(alone), alone["within"], alone["is_last"]) == ("9 alone", "project", True)


def test_what_a_record_does_not_have_it_has_no_neighbours_in(client, ids):
    answers = [
        client.get(f"/api/v1/logs/{ids[10]}/neighbours?within=session"),
        client.get(f"/api/v1/logs/{ids[10]}/neighbours?within=service"),
        client.get(f"/api/v1/logs/{'0' * 26}/neighbours"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 404]
