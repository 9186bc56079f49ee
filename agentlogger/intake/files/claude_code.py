"""Claude Code's transcripts: ~/.claude/projects/<folder>/<session>.jsonl.

Their form is Claude Code's own and changes between its versions, so that nothing in it is relied
on: a line of a kind that is not known becomes a record as it is. A message of the model stands in
several lines, one for each block, all with the same usage. The call of the model is therefore a
record of its own, once for each message, in the words of Claude Code's telemetry.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from agentlogger.intake.files.identities import EqualLines
from agentlogger.intake.files.opening import Line
from agentlogger.intake.files.parts import Part, Refused, objects, record

AGENT = "claude-code"
SCOPE = {"name": "claude_code.transcript"}

OPEN_CALLS = 64
"""Messages of which more blocks may still come: those of agents that run beside each other."""

USAGE = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_creation_tokens",
}
"""The API's names, and those of Claude Code's telemetry."""

SEVERITIES = {"warning": "warn", "error": "error"}


def looks_like(fields: dict[str, Any]) -> bool:
    """Whether a line can be one of a transcript."""
    if fields.get("type") == "summary":
        return "leafUuid" in fields
    return "type" in fields and ("sessionId" in fields or fields["type"] == "file-history-snapshot")


def read(lines: Iterator[Line]) -> Iterator[Part | Refused]:
    """The records of a transcript."""
    equal = EqualLines()
    calls: OrderedDict[str, tuple[int, dict[str, Any]]] = OrderedDict()
    for found in objects(lines):
        if isinstance(found, Refused):
            yield found
            continue
        line, fields = found
        own = fields.get("uuid")
        name = own if isinstance(own, str) and own else equal.name(line.content)
        yield from _records(line.number, name, fields)
        call = _call(fields)
        if call is not None:
            key = call["attributes"]["message.id"]
            calls.pop(key, None)
            calls[key] = line.number, call
            if len(calls) > OPEN_CALLS:
                key, (number, call) = calls.popitem(last=False)
                yield record(number, f"{key}-call", call)
    for key, (number, call) in calls.items():
        yield record(number, f"{key}-call", call)


def _records(number: int, name: str, fields: dict[str, Any]) -> Iterator[Part]:
    message = fields.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    is_known = fields.get("type") in _SPEAKERS and isinstance(content, list) and content
    if not is_known or not isinstance(message, dict):
        yield record(number, name, _whole(fields))
        return
    for index, block in enumerate(content or []):
        yield record(number, f"{name}-{index}", _block(fields, message, block))


_SPEAKERS = {"user": "user_prompt", "assistant": "assistant_response"}


def _around(fields: dict[str, Any]) -> dict[str, Any]:
    """What every record of a line carries of it."""
    kept = {
        key: value
        for key, value in fields.items()
        if key not in {"message", "timestamp", "sessionId", "toolUseResult", "content", "type"}
    }
    return {
        "time": fields.get("timestamp"),
        "session_id": fields.get("sessionId"),
        "agent": AGENT,
        "scope": SCOPE,
        "attributes": {**kept, "transcript.type": fields.get("type")},
    }


def _whole(fields: dict[str, Any]) -> dict[str, Any]:
    kind = fields.get("type")
    content = fields.get("content", fields.get("summary"))
    made = _around(fields)
    made["event"] = f"claude_code.transcript.{kind if isinstance(kind, str) else 'line'}"
    made["body"] = content if content is not None else fields.get("message")
    made["severity"] = SEVERITIES.get(str(fields.get("level")))
    return made


def _block(fields: dict[str, Any], message: dict[str, Any], block: Any) -> dict[str, Any]:
    made = _around(fields)
    attributes = made["attributes"]
    attributes["message.id"] = message.get("id")
    attributes["request_id"] = fields.get("requestId")
    made["model"] = message.get("model")
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "tool_use":
        made |= {"event": "claude_code.tool_call", "body": block.get("input")}
        made |= {"tool": block.get("name"), "tool_call_id": block.get("id")}
    elif kind == "tool_result":
        failed = block.get("is_error") is True
        made |= {"event": "claude_code.tool_result", "body": block.get("content")}
        made["tool_call_id"] = block.get("tool_use_id")
        attributes["success"] = not failed
    elif kind in {"text", "thinking"}:
        speaker = _SPEAKERS[fields["type"]]
        made["event"] = f"claude_code.{speaker if kind == 'text' else 'thinking'}"
        made["body"] = block.get(kind)
    else:
        made |= {"event": f"claude_code.transcript.{kind or 'block'}", "body": block}
    return made


def _call(fields: dict[str, Any]) -> dict[str, Any] | None:
    """The call of the model whose answer a line belongs to."""
    message = fields.get("message")
    if fields.get("type") != "assistant" or not isinstance(message, dict):
        return None
    usage = message.get("usage")
    if not isinstance(usage, dict) or not isinstance(message.get("id"), str):
        return None
    made = _around(fields)
    made |= {"event": "claude_code.api_request", "model": message.get("model")}
    made["attributes"] |= {ours: usage.get(theirs) for theirs, ours in USAGE.items()}
    made["attributes"] |= {
        "message.id": message["id"],
        "request_id": fields.get("requestId"),
        "stop_reason": message.get("stop_reason"),
        "usage": usage,
    }
    return made
