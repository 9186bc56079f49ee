"""Gemini CLI's chats: ~/.gemini/tmp/<project>/chats/session-<time>-<id>.json, or .jsonl.

Older versions write the whole chat as one object again and again, newer ones a line for each
message, beside lines that set what has changed. Each message becomes a record in the words of
Gemini CLI's telemetry, and so does each call of a tool and of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlogger.intake.files.identities import EqualLines
from agentlogger.intake.files.opening import Line
from agentlogger.intake.files.parts import Part, Refused, loads, objects, record
from agentlogger.limits import BODY_PLAIN_BYTES

AGENT = "gemini-cli"
SCOPE = {"name": "gemini_cli.chat"}
EVENTS = {"user": "gemini_cli.user_prompt", "gemini": "gemini_cli.assistant_response"}
SEVERITIES = {"warning": "warn", "error": "error"}

USAGE = {
    "input": "input_token_count",
    "output": "output_token_count",
    "cached": "cached_content_token_count",
    "thoughts": "thoughts_token_count",
    "tool": "tool_token_count",
    "total": "total_token_count",
}
"""The chat's names, and those of Gemini CLI's telemetry."""


def looks_like(fields: dict[str, Any]) -> bool:
    """Whether a line, or a whole file, can be one of a chat."""
    return "sessionId" in fields and ("messages" in fields or "projectHash" in fields)


def read(lines: Iterator[Line]) -> Iterator[Part | Refused]:
    """The records of a chat that has a line for each message."""
    equal = EqualLines()
    session: Any = None
    for found in objects(lines):
        if isinstance(found, Refused):
            yield found
            continue
        line, fields = found
        if "sessionId" in fields:
            session = fields["sessionId"]
        messages = fields.get("messages")
        if isinstance(messages, list):
            yield from _messages(messages, session, line.number)
        elif isinstance(fields.get("type"), str):
            name = str(fields.get("id") or equal.name(line.content))
            yield from _message(fields, session, name, line.number)


def read_whole(lines: Iterator[Line]) -> Iterator[Part | Refused]:
    """The records of a chat that is one object over many lines."""
    content: list[bytes] = []
    size = 0
    for line in lines:
        size += len(line.content)
        if line.fault or size > BODY_PLAIN_BYTES:
            yield Refused(line.number, line.fault or f"the chat is over {BODY_PLAIN_BYTES:,} bytes")
            return
        content.append(line.content)
    try:
        chat = loads(b"\n".join(content))
    except ValueError as fault:
        yield Refused(1, f"the file {fault}")
        return
    if not isinstance(chat, dict) or not isinstance(chat.get("messages"), list):
        yield Refused(1, "the file is no chat: it has no messages")
        return
    yield from _messages(chat["messages"], chat.get("sessionId"), None)


def _messages(messages: list[Any], session: Any, line: int | None) -> Iterator[Part | Refused]:
    """The records of messages; where the file is one object, a message's number is its line."""
    for number, message in enumerate(messages, start=1):
        if isinstance(message, dict):
            name = str(message.get("id") or f"{session}-{number}")
            yield from _message(message, session, name, line or number)
        else:
            yield Refused(line or number, f"message {number} is no object")


def _message(message: dict[str, Any], session: Any, name: str, line: int) -> Iterator[Part]:
    kind = str(message.get("type"))
    around = {
        "time": message.get("timestamp"),
        "session_id": session,
        "agent": AGENT,
        "scope": SCOPE,
        "model": message.get("model"),
    }
    rest = {
        key: value
        for key, value in message.items()
        if key not in {"content", "timestamp", "tokens", "toolCalls", "model"}
    }
    said = {
        "event": EVENTS.get(kind, f"gemini_cli.chat.{kind}"),
        "body": _text(message.get("content")),
        "severity": SEVERITIES.get(kind),
        "attributes": {**rest, "message.id": message.get("id")},
    }
    yield record(line, name, around | said)
    calls = message.get("toolCalls")
    for index, call in enumerate(calls if isinstance(calls, list) else []):
        if isinstance(call, dict):
            yield record(line, f"{name}-tool-{call.get('id') or index}", around | _tool(call))
    tokens = message.get("tokens")
    if isinstance(tokens, dict):
        usage = {ours: tokens.get(theirs) for theirs, ours in USAGE.items()}
        called = {"event": "gemini_cli.api_response", "attributes": usage}
        yield record(line, f"{name}-call", around | called)


def _tool(call: dict[str, Any]) -> dict[str, Any]:
    succeeded = {"success": True, "error": False, "cancelled": False}.get(str(call.get("status")))
    return {
        "event": "gemini_cli.tool_call",
        "time": call.get("timestamp"),
        "body": call.get("args"),
        "tool": call.get("name"),
        "tool_call_id": call.get("id"),
        "attributes": {
            "success": succeeded,
            "status": call.get("status"),
            "result": call.get("result"),
        },
    }


def _text(content: Any) -> Any:
    """The text of a message's parts, where all of them are text; else the parts."""
    if not isinstance(content, list):
        return content
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    if texts and all(isinstance(text, str) for text in texts):
        return "".join(str(text) for text in texts)
    return content
