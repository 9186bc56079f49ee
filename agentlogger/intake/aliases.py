"""Which attribute fills which column: the alias map, first hit wins.

Three vintages of OpenTelemetry's GenAI conventions and every product's own names are on the wire
at once (recorded from 24 kinds of agents in November 2026), so names are looked up, never assumed.
"""

from __future__ import annotations

import re
from typing import Final

TEXT_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "session_id": (
        "session.id",
        "gen_ai.conversation.id",
        "conversation.id",
        "langsmith.trace.session_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.conversation_id",
        "langsmith.metadata.thread_id",
        "traceloop.association.properties.session_id",
        "ai.telemetry.metadata.sessionId",
        "thread_id",
        "group_id",
        "mcp.session.id",
    ),
    "prompt_id": ("prompt.id", "prompt_id", "turn.id", "turn_id"),
    "run_id": ("workflow.run_id", "gen_ai.agent.call.id"),
    "agent": (
        "gen_ai.agent.name",
        "agent.name",
        "agent_name",
        "agent_type",
        "ai.telemetry.functionId",
    ),
    "model": (
        "gen_ai.response.model",
        "llm.response.model_name",
        "gen_ai.request.model",
        "llm.model_name",
        "model",
        "model_name",
        "slug",
        "ai.model.id",
        "span_data.model",
    ),
    "provider": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "provider_name",
        "ai.model.provider",
    ),
    "tool": (
        "gen_ai.tool.name",
        "tool.name",
        "tool_name",
        "function_name",
        "ai.toolCall.name",
    ),
    "tool_call_id": (
        "gen_ai.tool.call.id",
        "gen_ai.tool.call_id",
        "tool_use_id",
        "call_id",
        "tool_call.id",
        "tool.id",
        "ai.toolCall.id",
    ),
    "request_id": (
        "request_id",
        "gen_ai.response.id",
        "client_request_id",
        "ai.response.id",
        "auth.request_id",
        "span_data.response_id",
    ),
    "user_id": (
        "user.id",
        "user.email",
        "user.account_uuid",
        "enduser.id",
        "traceloop.association.properties.user_id",
        "ai.telemetry.metadata.userId",
        "langsmith.metadata.user_id",
    ),
    "error_type": ("error.type", "error_type", "exception.type", "error_name"),
    "error_message": ("error.message", "error", "exception.message"),
}

RESOURCE_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "session_id": ("session.id",),
    "agent": ("service.name",),
    "user_id": ("user.id", "enduser.id"),
}
"""Looked up in the resource where the record itself says nothing (Gemini CLI's session)."""

DURATION_MILLISECONDS: Final = (
    "duration_ms",
    "duration",
    "total_duration_ms",
    "interaction.duration_ms",
)

STATUS_CODES: Final = ("http.response.status_code", "status_code", "http.status_code")

SUCCESS: Final = "success"
ERROR: Final = "error"
"""A sentence in most emitters, and a boolean in some."""

EVENT_NAME: Final = "event.name"
EVENT_TIMESTAMP: Final = "event.timestamp"
LOG_RECORD_UID: Final = "log.record.uid"

EMITTER_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "com.anthropic.claude_code.events": (
        "session.id",
        "event.sequence",
        "event.name",
        "event.timestamp",
    ),
}
"""Attributes that together name one event, by instrumentation scope; the last one is its time. A
sequence alone does not: a session that is resumed may count from the beginning."""

CALL_SITE: Final = "event "
"""Rust's tracing bridge writes `event <file>:<line>` into OTLP's event name; it changes with each
release, and the real name is the attribute."""

EVENT_FAMILIES: Final = {"com.anthropic.claude_code.events": "claude_code"}
"""What to put in front of an event name without a dot, by instrumentation scope."""

KINDS: Final[tuple[tuple[str, str], ...]] = (
    ("gen_ai.client.inference.operation.details", "llm"),
    ("gen_ai.client.operation.exception", "error"),
    ("gen_ai.evaluation.result", "eval"),
    ("gen_ai.system.message", "prompt"),
    ("gen_ai.user.message", "prompt"),
    ("gen_ai.assistant.message", "response"),
    ("gen_ai.choice", "response"),
    ("gen_ai.tool.message", "tool"),
    (".user_prompt", "prompt"),
    (".assistant_response", "response"),
    (".api_request", "llm"),
    (".api_response", "llm"),
    (".sse_event", "llm"),
    ("exception", "error"),
    (".api_error", "error"),
    (".api_retries_exhausted", "error"),
    (".api_refusal", "error"),
    (".internal_error", "error"),
    (".tool_result", "tool"),
    (".tool_call", "tool"),
    (".tool_decision", "decision"),
    (".permission_mode_changed", "decision"),
    (".conversation_starts", "session"),
    (".config", "session"),
    (".auth", "session"),
    (".mcp_server_connection", "session"),
    (".subagent_completed", "agent"),
    (".agent.start", "agent"),
    (".agent.finish", "agent"),
    (".compaction", "compaction"),
    (".chat_compression", "compaction"),
)
"""An event's kind, by its whole name or its end."""

OPERATIONS: Final = {
    "chat": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "embeddings": "llm",
    "llm_call": "llm",
    "execute_tool": "tool",
    "tool_call": "tool",
    "retrieval": "retrieval",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "agent",
}

KINDS_BY_ATTRIBUTE: Final[dict[str, dict[str, str]]] = {
    "gen_ai.operation.name": OPERATIONS,
    "openinference.span.kind": {
        "LLM": "llm",
        "EMBEDDING": "llm",
        "TOOL": "tool",
        "AGENT": "agent",
        "RETRIEVER": "retrieval",
        "RERANKER": "retrieval",
        "EVALUATOR": "eval",
    },
    "traceloop.span.kind": {"workflow": "agent", "agent": "agent", "tool": "tool"},
    "langsmith.span.kind": {
        "llm": "llm",
        "embedding": "llm",
        "tool": "tool",
        "retriever": "retrieval",
    },
    "ai.operationId": {
        "ai.generateText": "agent",
        "ai.generateText.doGenerate": "llm",
        "ai.streamText": "agent",
        "ai.streamText.doStream": "llm",
        "ai.generateObject": "agent",
        "ai.generateObject.doGenerate": "llm",
        "ai.streamObject": "agent",
        "ai.streamObject.doStream": "llm",
        "ai.embed.doEmbed": "llm",
        "ai.toolCall": "tool",
    },
    "logfire.span_type": {"log": "log"},
    "span_data.type": {
        "agent": "agent",
        "function": "tool",
        "generation": "llm",
        "guardrail": "decision",
        "handoff": "agent",
        "mcp_tools": "tool",
        "response": "llm",
        "speech": "llm",
        "transcription": "llm",
    },
}
"""A record's kind by an attribute, where its name says nothing; the first attribute that is there
and known wins. Vercel's AI SDK 6 names its operations, and its inner spans hold the calls."""

EXCEPTION: Final = "exception"
EXCEPTION_FAILS: Final = frozenset({"langsmith"})
"""Scopes whose spans failed if they hold an exception, whatever their status says: LangSmith sets
OK on each. Elsewhere an exception may have been caught."""

SENTENCE: Final = "logfire.msg"
"""What a record says, in words, where it has no body; the attribute stays as well."""

SEVERITY_NUMBER: Final = "logfire.level_num"
"""Logfire sends logs as spans, which have no severity of their own."""

HOOK: Final = re.compile(r"(?:^|\.)hook_")

ERROR_EVENTS: Final = (".api_error", ".api_retries_exhausted", ".internal_error")
WARN_EVENTS: Final = (".api_refusal", "gen_ai.client.operation.exception", ".network_retry_attempt")
REFUSALS: Final = ("reject", "denied")
"""Decisions against what the agent asked for. A tuple: a list has no hash to be looked up by."""
CHATTER: Final = ".sse_event"
"""A stream's single events are of interest to nobody, but for the one that completes it."""
