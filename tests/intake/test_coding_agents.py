"""What coding agents send becomes the columns that people ask for.

The payloads have the shapes that were recorded in November 2026, with texts of our own.
"""

from __future__ import annotations

from typing import Any

import pytest

from agentlogger.intake.record import Record
from tests.intake.exports import Map
from tests.intake.exports import Record as Given
from tests.intake.rows import OBSERVED, rows


def codex(event: str, **attributes: Any) -> Record:
    """A record of the Codex CLI: observed time only, INFO always, a call site as its name."""
    common = {
        "event.name": event,
        "event.timestamp": "2026-11-22T06:23:59.400Z",
        "conversation.id": "019f-conversation",
        "app.version": "0.169.0",
        "originator": "codex_exec",
        "terminal.type": "xterm",
        "model": "gpt-5.1-codex",
        "slug": "gpt-5.1-codex",
    }
    given = Given(
        observed=OBSERVED,
        severity=9,
        severity_text="INFO",
        event_name="event otel/src/events/session_telemetry.rs:803",
        attributes=Map((common | attributes).items()),
    )
    (row,) = rows(
        given, scope="codex_otel.log_only", resource={"service.name": "codex_exec", "env": "test"}
    )
    return row


def claude(event: str, **attributes: Any) -> Record:
    """A record of Claude Code: no severity, a short name, numbers and booleans as texts."""
    common = {
        "event.name": event,
        "event.timestamp": "2026-11-22T06:24:00.572Z",
        "event.sequence": 7,
        "session.id": "a session",
        "prompt.id": "a prompt",
        "user.id": "somebody",
        "terminal.type": "vscode",
    }
    given = Given(
        time=OBSERVED,
        observed=OBSERVED,
        body=f"claude_code.{event}",
        attributes=Map((common | attributes).items()),
    )
    resource = {"service.name": "claude-code", "service.version": "2.1.230"}
    (row,) = rows(
        given, scope="com.anthropic.claude_code.events", version="2.1.230", resource=resource
    )
    return row


def gemini(event: str, sentence: str, **attributes: Any) -> Record:
    """A record of the Gemini CLI: a sentence as its body, the session in the resource too."""
    common = {
        "session.id": "a gemini session",
        "installation.id": "an installation",
        "interactive": False,
        "auth_type": "gemini-api-key",
        "event.name": event,
        "event.timestamp": "2026-11-22T06:24:01.000Z",
    }
    given = Given(
        time=OBSERVED,
        observed=OBSERVED,
        body=sentence,
        attributes=Map((common | attributes).items()),
    )
    resource = {"service.name": "gemini-cli", "session.id": "a gemini session", "process.pid": 7}
    (row,) = rows(given, scope="gemini-cli", resource=resource)
    return row


def test_codex_a_completed_response() -> None:
    row = codex(
        "codex.sse_event",
        **{"event.kind": "response.completed", "duration_ms": "156"},
        input_token_count="12",
        cached_token_count=4,
    )
    assert (row.event, row.kind) == ("codex.sse_event", "llm")
    assert row.event_name == "event otel/src/events/session_telemetry.rs:803"
    assert (row.ts_ns, row.ts_source, row.observed_ns) == (OBSERVED, "observed", OBSERVED)
    assert (row.severity_number, row.severity_source) == (9, "emitted")
    assert (row.session_id, row.model, row.agent) == (
        "019f-conversation", "gpt-5.1-codex", "codex_exec",
    )  # fmt: skip
    assert row.duration_ns == 156_000_000
    assert row.ok is None
    assert row.body is None
    assert (row.trace_id, row.run_id) == (None, None)
    assert row.attributes["input_token_count"] == "12", "as sent, not as a number"


def test_codex_a_failed_request_says_so_although_its_severity_does_not() -> None:
    row = codex(
        "codex.api_request",
        **{"http.response.status_code": 429, "error.message": "http 429"},
        attempt=0,
        duration_ms="31",
    )
    assert (row.kind, row.ok, row.error_message) == ("llm", False, "http 429")
    assert (row.severity_number, row.severity_source) == (9, "emitted")


@pytest.mark.parametrize(
    ("event", "attributes", "columns"),
    [
        (
            "codex.tool_decision",
            {"tool_name": "shell", "call_id": "call_1", "decision": "approved"},
            {"kind": "decision", "tool": "shell", "tool_call_id": "call_1", "ok": None},
        ),
        (
            "codex.tool_result",
            {"tool_name": "shell", "call_id": "call_1", "success": "true", "duration_ms": "9"},
            {"kind": "tool", "tool": "shell", "ok": True, "duration_ns": 9_000_000},
        ),
        (
            "codex.conversation_starts",
            {"provider_name": "Example", "context_window": 272000},
            {"kind": "session", "provider": "Example"},
        ),
        ("codex.user_prompt", {"prompt_length": "5", "prompt": "hello"}, {"kind": "prompt"}),
    ],
)
def test_codex_events_fill_their_columns(
    event: str, attributes: dict[str, Any], columns: dict[str, Any]
) -> None:
    row = codex(event, **attributes)
    assert row.event == event
    assert {name: getattr(row, name) for name in columns} == columns


def test_claude_code_a_request() -> None:
    row = claude(
        "api_request",
        model="claude-sonnet-5",
        cost_usd="0.0123",
        duration_ms="2310",
        input_tokens="12",
        request_id="req_1",
    )
    assert (row.event, row.event_name, row.kind) == ("claude_code.api_request", None, "llm")
    assert (row.session_id, row.prompt_id, row.user_id) == ("a session", "a prompt", "somebody")
    assert (row.model, row.request_id, row.agent) == ("claude-sonnet-5", "req_1", "claude-code")
    assert (row.duration_ns, row.ok) == (2_310_000_000, None)
    assert (row.severity_number, row.severity_source) == (9, "derived")
    assert row.scope == {"name": "com.anthropic.claude_code.events", "version": "2.1.230"}


@pytest.mark.parametrize(
    ("event", "attributes", "columns"),
    [
        (
            "api_error",
            {"model": "claude-sonnet-5", "error": "overloaded", "status_code": "529"},
            {"kind": "error", "ok": False, "error_message": "overloaded", "severity_number": 17},
        ),
        (
            "tool_result",
            {"tool_name": "Bash", "tool_use_id": "toolu_1", "success": "false",
             "error_type": "Exit"},
            {"kind": "tool", "tool": "Bash", "tool_call_id": "toolu_1", "ok": False,
             "error_type": "Exit", "severity_number": 17},
        ),
        (
            "tool_decision",
            {"tool_name": "Bash", "decision": "reject", "source": "user_reject"},
            {"kind": "decision", "severity_number": 13},
        ),
        ("user_prompt", {"prompt_length": "4"}, {"kind": "prompt", "severity_number": 9}),
        ("assistant_response", {"response_length": "9"}, {"kind": "response"}),
        ("hook_execution_start", {"hook_event": "Stop"}, {"kind": "hook", "severity_number": 5}),
        ("compaction", {"success": "true", "duration_ms": "8"}, {"kind": "compaction", "ok": True}),
        (
            "subagent_completed",
            {"agent_type": "reviewer", "duration_ms": "8"},
            {"kind": "agent", "agent": "reviewer"},
        ),
    ],
)  # fmt: skip
def test_claude_code_events_fill_their_columns(
    event: str, attributes: dict[str, Any], columns: dict[str, Any]
) -> None:
    row = claude(event, **attributes)
    assert row.event == f"claude_code.{event}"
    assert {name: getattr(row, name) for name in columns} == columns


def test_gemini_cli_a_response_with_undefined_attributes() -> None:
    row = gemini(
        "gemini_cli.api_response",
        "API response from a model. Status: 200. Duration: 156ms.",
        model="gemini-3-pro",
        duration_ms=156,
        status_code=200,
        prompt_id="a gemini session########1",
        finish_reasons=["stop", "stop"],
        error=None,
    )
    assert (row.event, row.kind, row.ok) == ("gemini_cli.api_response", "llm", True)
    assert (row.session_id, row.model, row.prompt_id) == (
        "a gemini session", "gemini-3-pro", "a gemini session########1",
    )  # fmt: skip
    assert (row.severity_number, row.severity_source) == (9, "derived")
    assert row.body == "API response from a model. Status: 200. Duration: 156ms."
    assert row.attributes["finish_reasons"] == ["stop", "stop"]
    assert row.attributes["error"] is None, "an empty value is a value"


def test_gemini_cli_an_error_and_a_tool() -> None:
    row = gemini(
        "gemini_cli.api_error",
        "API error for a model.",
        **{"error.message": "boom", "error.type": "ApiError", "http.status_code": 500},
        model_name="gemini-3-pro",
        duration=31,
    )
    assert (row.kind, row.ok, row.severity_number) == ("error", False, 17)
    assert (row.error_type, row.error_message, row.model) == ("ApiError", "boom", "gemini-3-pro")
    assert row.duration_ns == 31_000_000
    row = gemini("gemini_cli.tool_call", "Tool call.", function_name="read_file", success=True)
    assert (row.kind, row.tool, row.ok) == ("tool", "read_file", True)
