"""Messages of a conversation, read out of a record as its emitter wrote them.

They come in four shapes: as JSON of OpenTelemetry's GenAI conventions, flattened into numbered
attributes (OpenInference, OpenLLMetry), as the body of an event for each message, and as one
attribute with a text (Claude Code, Codex, Gemini CLI).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TOO_DEEP = "(nested too deeply to be shown here: the attributes have it as it was sent)"
LINE = 80
"""Characters that are set on one line."""

LISTS = (
    ("gen_ai.system_instructions", "system"),
    ("gen_ai.input.messages", "user"),
    ("gen_ai.output.messages", "assistant"),
)
"""Attributes that hold messages, and who speaks where a message does not say."""

NUMBERED = re.compile(
    r"(?P<list>llm\.input_messages|llm\.output_messages|gen_ai\.prompt|gen_ai\.completion)"
    r"\.(?P<number>\d{1,4})\.(?:message\.)?(?P<field>role|content)"
)
TEXTS = (("prompt", "user"), ("response", "assistant"))
ROLES = {
    "gen_ai.system.message": "system", "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant", "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
}  # fmt: skip
"""Who speaks in an event of a single message."""

KNOWN_ROLES = frozenset({"system", "developer", "user", "assistant", "model", "tool", "function"})


@dataclass(frozen=True)
class Part:
    """A part of a message: a text, reasoning, a call of a tool, or what a tool gave."""

    what: str
    text: str
    name: str = ""


@dataclass(frozen=True)
class Message:
    """Who says what."""

    role: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Field:
    """An argument of a tool, or anything else that has a name and a value."""

    name: str
    value: str


def messages_of(record: Mapping[str, Any]) -> list[Message]:
    """The messages of a record, in their order; those that say nothing are left out."""
    attributes = record.get("attributes") or {}
    found = [
        *(one for name, role in LISTS for one in _listed(attributes.get(name), role)),
        *_numbered(attributes),
        *_of_body(record),
        *(
            Message(role, (Part("text", attributes[name]),))
            for name, role in TEXTS
            if isinstance(attributes.get(name), str) and record.get("kind") == name
        ),
    ]
    return [message for message in found if any(part.text or part.name for part in message.parts)]


def fields_of(text: str | None) -> list[Field]:
    """The fields of a JSON object in their order; none where the text is no such object."""
    given = _json(text)
    if not isinstance(given, dict):
        return []
    return [Field(str(name), _text(value)) for name, value in given.items()]


def brief_of(text: str | None) -> str:
    """Arguments in a line: the only one as it is, several with their names, all else as sent."""
    fields = fields_of(text)
    if len(fields) == 1:
        return fields[0].value
    return ", ".join(f"{one.name}: {one.value}" for one in fields) or text or ""


def _listed(given: Any, role: str) -> Iterator[Message]:
    found = _json(given)
    if isinstance(found, str) and found:
        yield Message(role, (Part("text", found),))
    elif isinstance(found, list):
        is_parts = all(isinstance(one, dict) and "role" not in one for one in found)
        if found and is_parts and any("type" in one for one in found):
            yield Message(role, tuple(_part(one) for one in found))
            return
        for one in found:
            if isinstance(one, dict):
                yield _message(one, role)


def _message(given: Mapping[str, Any], role: str) -> Message:
    said = given.get("role")
    parts = given.get("parts", given.get("content"))
    listed = parts if isinstance(parts, list) else [parts] if parts is not None else []
    asked = given.get("tool_calls")
    listed = [*listed, *(asked if isinstance(asked, list) else [])]
    named = said if isinstance(said, str) and said in KNOWN_ROLES else role
    return Message(named, tuple(_part(one) for one in listed))


def _part(given: Any) -> Part:
    if not isinstance(given, dict):
        return Part("text", _text(given))
    what = str(given.get("type") or "text")
    if "function" in given or what in {"tool_call", "tool_use", "function", "server_tool_call"}:
        function = given.get("function")
        within = function if isinstance(function, dict) else given
        arguments = within.get("arguments", within.get("input"))
        return Part("tool_call", _text(arguments), _text(within.get("name")))
    if what in {"tool_call_response", "tool_result", "server_tool_call_response"}:
        result = next((given[key] for key in ("response", "result", "content") if key in given), "")
        return Part("tool_result", _text(result))
    text = next(
        (given[key] for key in ("content", "text") if isinstance(given.get(key), str)), None
    )
    if text is None:
        return Part(what, _text(given))
    return Part("reasoning" if what in {"reasoning", "thinking"} else "text", text)


def _numbered(attributes: Mapping[str, Any]) -> Iterator[Message]:
    """Messages whose fields are attributes of their own: `llm.input_messages.0.message.role`."""
    told: dict[tuple[str, int], dict[str, str]] = {}
    for name, value in attributes.items():
        match = NUMBERED.fullmatch(name)
        if match is not None:
            place = (match["list"], int(match["number"]))
            told.setdefault(place, {})[match["field"]] = _text(value)
    # What goes in is named before what comes out, in either convention.
    for place in sorted(told, key=lambda one: (_is_output(one[0]), one[1])):
        role = told[place].get("role") or ("assistant" if _is_output(place[0]) else "user")
        named = role if role in KNOWN_ROLES else "user"
        yield Message(named, (Part("text", told[place].get("content", "")),))


def _is_output(name: str) -> bool:
    return name in {"llm.output_messages", "gen_ai.completion"}


def _of_body(record: Mapping[str, Any]) -> Iterator[Message]:
    body = record.get("body")
    role = ROLES.get(record.get("event") or "")
    if not isinstance(body, dict):
        return
    within = body["message"] if isinstance(body.get("message"), dict) else body
    is_message = role or within.get("role") in KNOWN_ROLES
    if is_message and ("content" in within or "parts" in within or "tool_calls" in within):
        yield _message(within, role or "user")


def _json(given: Any) -> Any:
    """What a text is as JSON, where it is a list or an object; anything else as it is."""
    if not isinstance(given, str) or given[:1] not in "[{" or not given:
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return given


def _text(value: Any) -> str:
    """A value as people read it: JSON in a line where it is short, else a line for each field."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        short = json.dumps(value, ensure_ascii=False)
        return short if len(short) <= LINE else json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:
        return TOO_DEEP
