"""`agentlogger runs` and `run` tell sessions as the API does, to people and to models."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from agentlogger.terminal import stories
from agentlogger.terminal.tokens import estimate
from tests.terminal.test_reading import record, rows

SESSION = "0b7c1c9e-5a0e-4e2f-9a7a-2a1f0f0c1d11"
CALL = {"model": "m-1", "input_tokens": 1200, "output_tokens": 310, "cost_usd": 0.25,
        "cache_read_tokens": 0, "cache_creation_tokens": 0}  # fmt: skip


def event(number: int, name: str, **others: object) -> dict[str, object]:
    said = {"event": f"claude_code.{name}", "session_id": SESSION, "prompt_id": "p", **others}
    return record(number, agent="claude-code", message=None, **said)


def prompts(*numbers: int, text: str = "") -> list[dict[str, object]]:
    return [event(n, "user_prompt", prompt_id=f"p{n}", prompt=f"say {n} {text}") for n in numbers]


@pytest.fixture
def session(at_a_server):
    """A session of one prompt, and another's record."""
    at_a_server.fill(
        event(1, "user_prompt", prompt="Fix the build\nand the test"),
        event(2, "api_request", request_id="r-1", duration_ms=2100, **CALL),
        event(3, "tool_result", tool="Bash", tool_call_id="t-1", success=False,
              duration_ms=3100, error_message="exit 1", arguments="npm test"),
        record(4, session_id="another"),
    )  # fmt: skip
    return at_a_server


def test_sessions_are_listed_by_a_query_the_newest_first(session):
    listed = session.run("runs")
    failed = session.run("runs", "ok:false")
    as_json = json.loads(session.run("runs", "--json", "ok:false").stdout)
    *as_csv, _ = csv.DictReader(io.StringIO(session.run("runs", "--csv").stdout))
    newest = session.run("runs", "--csv", "-n", "1").stdout.splitlines()

    assert [row[2] for row in rows(listed)[1:]] == ["another", SESSION]
    assert rows(failed)[1] == [
        "2026-11-22", "07:04", SESSION, "1", "1", "1", "1", "$0.2500", "claude-code,", "m-1",
    ]  # fmt: skip
    assert as_json["session_id"] == SESSION
    assert [(row["session_id"], row["calls"]) for row in as_csv] == [
        ("another", "0"),
        (SESSION, "1"),
    ]
    assert newest[-1].startswith("#trailer complete=true records=1 sha256=")
    assert " more=true," in newest[-1]
    assert session.run("runs", "nowhere").exit_code == 3


def test_a_session_is_told_by_the_beginning_of_its_id(session):
    told = session.run("run", "0b7c")

    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines() == [
        f"Session {SESSION}",
        "Sun 2026-11-22 07:04:01 to 07:04:03 +0000, 2.0s",
        "claude-code, m-1",
        "3 records  1 prompt  1 call  1 tool  1.2k→310  $0.2500",
        "",
        "▸ 07:04:01  Fix the build ↵ and the test",
        "  07:04:02  m-1 1.2k→310 $0.2500 2.1s",
        "  07:04:03  Bash ✗ 3.1s  exit 1",
    ]
    assert json.loads(session.run("run", "--json", SESSION).stdout)["records"] == 3


def test_what_is_no_session_or_several_is_a_sentence(session):
    session.fill(record(5, session_id="0b7c-other"))

    missing, several = session.run("run", "nowhere"), session.run("run", "0b7c")

    assert missing.exit_code == 3
    assert "Nothing was recorded of the session 'nowhere'" in missing.stderr
    assert several.exit_code == 2
    assert "Several sessions begin with 0b7c" in several.stderr


def test_a_part_of_a_session_says_how_to_go_on(at_a_server):
    at_a_server.fill(*prompts(*range(9)))
    whole = json.loads(at_a_server.run("run", "--json", SESSION).stdout)
    part = whole | {"left_out": {"records": 7, "is_more": True, "after": "33l"}}

    assert list(stories.footnotes(part))[-1] == "At least 7 records follow: --after 33l."
    behind = whole["turns"][3]["prompt"]["record"]
    rest = at_a_server.run("run", SESSION, "--after", behind).stdout
    assert re.findall(r"say (\d)", rest) == ["4", "5", "6", "7", "8"]


def test_a_model_is_told_a_session_within_a_bound_and_how_it_ended(session):
    session.fill(*prompts(*range(10, 90), text="word " * 99))

    short = session.run("run", "--for-llm", "--tokens", "900", SESSION).stdout
    listed = session.run("runs", "--for-llm").stdout

    assert estimate(short) <= 900
    assert "PROMPT 07:04:01 Fix the build ↵ and the test\n" in short
    assert re.search(r"\.\.\. \d+ lines are left out here", short)
    assert "say 89" in short
    assert f"| {SESSION} | claude-code, m-1 | " in listed
