"""What people ask for stands in columns, under whatever name an emitter sends it."""

from __future__ import annotations

from typing import Any

import pytest

from agentlogger.intake.record import Record
from agentlogger.intake.severity import ERROR, WARN
from tests.intake.readers import corpus


def records(scenario: str) -> list[Record]:
    requests = next(one.requests for one in corpus.scenarios() if one.name == f"{scenario} (all)")
    return corpus.read(requests)


def one(scenario: str, event: str) -> Record:
    return next(record for record in records(scenario) if record.event == event)


@pytest.mark.parametrize(
    ("scenario", "event", "columns"),
    [
        (
            "vercel_ai: version 6, two calls",
            "ai.generateText.doGenerate",
            {
                "session_id": "v-1", "agent": "shop", "model": "gpt-4o", "request_id": "resp_1",
                "provider": "openai.responses",
            },
        ),
        (
            "vercel_ai: version 6, two calls",
            "ai.toolCall",
            {"tool": "look_up", "tool_call_id": "call_1", "kind": "tool"},
        ),
        ("vercel_ai: version 6, two calls", "ai.generateText", {"model": "gpt-4o"}),
        ("langsmith: calls below chains", "ChatOpenAI", {"session_id": "ls-1", "kind": "llm"}),
        ("openllmetry: calls below a workflow", "shop.workflow", {"session_id": "tl-1"}),
        (
            "codex: attempts that all fail, and start again at 0",
            "codex.api_request",
            {"request_id": "req_a", "session_id": "01b3-conversation", "ok": False},
        ),
        (
            "openai_agents: responses",
            "agent shop",
            {"agent": "shop", "session_id": "chat-7", "kind": "agent"},
        ),
    ],
)  # fmt: skip
def test_a_column_is_found_under_each_products_name(
    scenario: str, event: str, columns: dict[str, Any]
) -> None:
    record = one(scenario, event)
    assert {name: getattr(record, name) for name in columns} == columns


def test_a_run_that_says_ok_and_holds_an_exception_failed() -> None:
    for event in ("ChatOpenAI", "LangGraph"):
        run = one("langsmith: a failed run says OK", event)
        assert (run.ok, run.severity_number, run.severity_source) == (False, ERROR, "derived")
        assert (run.error_type, run.error_message) == (
            "Exception",
            "InternalServerError('Error code: 500')",
        )


def test_a_failure_under_the_severity_info_is_a_failure() -> None:
    broken = [
        record
        for record in records("codex: an answer that breaks off, told by two records")
        if record.ok is False
    ]
    assert [record.attributes["event.kind"] for record in broken] == [
        "response.failed",
        "response.completed",
    ]
    assert {record.severity_source for record in broken} == {"emitted"}
    details = [
        record
        for record in records("gemini_cli: nothing but failures")
        if str(record.body).startswith("GenAI operation error details")
    ]
    assert {record.severity_number for record in details} == {ERROR}


def test_a_sentence_in_an_attribute_is_the_body_where_there_is_none() -> None:
    (record,) = records("logfire: logs are no calls")
    assert (record.body, record.severity_number) == ("looking up 7", WARN)
    assert record.attributes["logfire.msg"] == "looking up 7"


def test_a_call_costs_what_its_tokens_cost() -> None:
    answered = [
        record for record in records("codex: a turn of two calls") if record.tokens_in == 812
    ]
    told = {(record.model, record.cost_source) for record in answered}
    assert told == {("gpt-5.1-codex", "computed"), (None, "unknown")}
