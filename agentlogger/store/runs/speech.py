"""Speech: what a record says, out of the body that its emitter gave it. Knows no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from agentlogger.store.rows import Row


@dataclass(frozen=True)
class Asked:
    """A call of a tool that a model asks for."""

    tool_call_id: str
    name: str | None
    arguments: str | None


@dataclass(frozen=True)
class Said:
    """A text, the call of a tool that it answers, and those that it asks for."""

    text: str | None
    tool_call_id: str | None = None
    asked: tuple[Asked, ...] = ()


def said_in(row: Row) -> Said:
    """What a record says: in the attribute for it, else in its body.

    A body is a text, or a message of OpenTelemetry's GenAI conventions in any of their vintages:
    `{"content": ...}`, `{"message": {...}}` or `{"parts": [...]}`. One that is only the event's
    name, or a sentence about it, says nothing where an attribute could have.
    """
    if row.get("text"):
        return Said(row["text"])
    body = row["body"]
    if isinstance(body, dict):
        message = body.get("message")
        within = {**body, **message} if isinstance(message, dict) else body
        return Said(
            text="\n".join(_texts(within.get("content", within.get("parts")))) or None,
            tool_call_id=_name(within.get("id")),
            asked=tuple(_asked(within.get("tool_calls"))),
        )
    is_told = isinstance(body, str) and row["kind"] not in {"prompt", "response"}
    return Said(body if is_told else None)


def _texts(content: Any) -> Iterator[str]:
    """The texts of a message's content: itself, or those of its parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            yield from _texts(part)
    elif isinstance(content, dict):
        for name in ("text", "content"):
            if isinstance(content.get(name), str):
                yield content[name]
                return


def _asked(calls: Any) -> Iterator[Asked]:
    for call in calls if isinstance(calls, list) else ():
        if not isinstance(call, dict) or _name(call.get("id")) is None:
            continue
        function = call.get("function")
        within = function if isinstance(function, dict) else call
        arguments = within.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            arguments = orjson.dumps(arguments).decode()
        yield Asked(str(call["id"]), _name(within.get("name")), arguments)


def _name(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None
