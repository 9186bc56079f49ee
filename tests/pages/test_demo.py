"""The demo: the same days for the same numbers, taken whole by the doors that agents use."""

from __future__ import annotations

from demo.days import requests

UNTIL_NS = 1_795_780_800 * 10**9
WHOLE_DAYS = "from=2026-11-24T00:00:00Z&to=2026-11-28T00:00:00Z"


def fill(client) -> None:
    """Send the three days, as `make demo` does."""
    for request in requests(1, UNTIL_NS):
        answer = client.post(request.path, data=request.body, content_type=request.content_type)
        assert (answer.status_code == 200) == request.is_good, answer.get_data(as_text=True)


def test_the_demo_is_the_same_for_the_same_numbers_and_is_stored_once(client):
    assert list(requests(1, UNTIL_NS)) == list(requests(1, UNTIL_NS))
    assert list(requests(2, UNTIL_NS)) != list(requests(1, UNTIL_NS))

    fill(client)
    sessions = client.get(f"/api/v1/sessions?limit=100&{WHOLE_DAYS}").get_json()["items"]
    usage = [session["usage"] for session in sessions]
    fill(client)
    again = client.get(f"/api/v1/sessions?limit=100&{WHOLE_DAYS}").get_json()["items"]

    assert again == sessions
    assert {agent for session in sessions for agent in session["agents"]} == {
        "claude-code", "codex_cli", "support-agent",
    }  # fmt: skip
    assert sum(session["prompts"] for session in sessions) > 20
    assert sum(one["failed"] for one in usage) > 0
    assert all(one["cost_micro_usd"] > 0 for one in usage)
