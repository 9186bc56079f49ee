"""Codex's rollouts: ~/.codex/sessions/<year>/<month>/<day>/rollout-<time>-<id>.jsonl.

Each line has a time, a type and a payload. The first tells the session, others the model that the
lines after them are about, and each line becomes a record in the words of Codex's telemetry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlogger.intake.files.identities import EqualLines
from agentlogger.intake.files.opening import Line
from agentlogger.intake.files.parts import Part, Refused, objects, record

AGENT = "codex"
SCOPE = {"name": "codex.rollout"}
TYPES = {"session_meta", "response_item", "event_msg", "turn_context", "compacted"}

CALLS = {"function_call", "custom_tool_call", "local_shell_call", "web_search_call"}
OUTPUTS = {"function_call_output", "custom_tool_call_output"}

USAGE = {
    "input_tokens": "input_token_count",
    "output_tokens": "output_token_count",
    "cached_input_tokens": "cached_token_count",
    "reasoning_output_tokens": "reasoning_token_count",
}
"""The rollout's names, and those of Codex's telemetry."""


def looks_like(fields: dict[str, Any]) -> bool:
    """Whether a line can be one of a rollout."""
    return fields.get("type") in TYPES and isinstance(fields.get("payload"), dict)


def read(lines: Iterator[Line]) -> Iterator[Part | Refused]:
    """The records of a rollout."""
    equal = EqualLines()
    told: dict[str, Any] = {"session_id": None, "model": None, "usage": None}
    for found in objects(lines):
        if isinstance(found, Refused):
            yield found
            continue
        line, fields = found
        payload = fields.get("payload")
        if not isinstance(payload, dict):
            payload = {"value": payload}
        if fields.get("type") == "session_meta" and told["session_id"] is None:
            told["session_id"] = payload.get("id")
        if fields.get("type") == "turn_context":
            told["model"] = payload.get("model") or told["model"]
        # Two sessions may have equal lines: forks begin with those of their origin.
        name = f"{told['session_id'] or AGENT}-{equal.name(line.content)}"
        yield record(line.number, name, _record(fields, payload, told))


def _record(
    fields: dict[str, Any], payload: dict[str, Any], told: dict[str, Any]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "time": fields.get("timestamp"),
        "session_id": told["session_id"],
        "model": told["model"],
        "agent": AGENT,
        "scope": SCOPE,
        "attributes": {"rollout.type": fields.get("type"), "payload": payload},
    }
    kind = payload.get("type")
    if fields.get("type") == "response_item":
        return made | _item(payload, kind)
    if fields.get("type") == "event_msg" and kind == "token_count":
        return made | _tokens(made["attributes"], payload, told)
    name = kind if fields.get("type") == "event_msg" else fields.get("type")
    made["event"] = f"codex.rollout.{name}"
    if fields.get("type") == "session_meta":
        made["event"] = "codex.conversation_starts"
    made["body"] = payload.get("message", payload.get("text"))
    return made


def _item(payload: dict[str, Any], kind: Any) -> dict[str, Any]:
    if kind == "message":
        role = payload.get("role")
        names = {"user": "codex.user_prompt", "assistant": "codex.assistant_response"}
        return {
            "event": names.get(str(role), f"codex.rollout.{role}"),
            "body": _text(payload.get("content")),
        }
    if kind in CALLS:
        body = payload.get("arguments", payload.get("input", payload.get("action")))
        tool = payload.get("name") or str(kind).removesuffix("_call")
        return {
            "event": "codex.tool_call",
            "body": body,
            "tool": tool,
            "tool_call_id": payload.get("call_id"),
        }
    if kind in OUTPUTS:
        return {
            "event": "codex.tool_result",
            "body": payload.get("output"),
            "tool_call_id": payload.get("call_id"),
        }
    return {"event": f"codex.rollout.{kind}", "body": _text(payload.get("summary"))}


def _tokens(
    attributes: dict[str, Any], payload: dict[str, Any], told: dict[str, Any]
) -> dict[str, Any]:
    """The usage of the last call. The same is told again with each change of a rate limit."""
    info = payload.get("info")
    last = info.get("last_token_usage") if isinstance(info, dict) else None
    total = info.get("total_token_usage") if isinstance(info, dict) else None
    if not isinstance(last, dict) or total == told["usage"]:
        return {"event": "codex.rollout.token_count"}
    told["usage"] = total
    attributes["event.kind"] = "response.completed"
    attributes |= {ours: last.get(theirs) for theirs, ours in USAGE.items()}
    return {"event": "codex.sse_event"}


def _text(content: Any) -> Any:
    """The text of a message's parts, where all of them are text; else the parts."""
    if not isinstance(content, list):
        return content
    texts = [part.get("text") if isinstance(part, dict) else None for part in content]
    if texts and all(isinstance(text, str) for text in texts):
        return "\n".join(str(text) for text in texts)
    return content or None
