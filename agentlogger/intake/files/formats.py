"""Which format a file is in, by its beginning; and who reads it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agentlogger.intake.files import (
    claude_code,
    codex,
    exported,
    gemini_cli,
    json_lines,
    opening,
    otlp_dump,
)
from agentlogger.intake.files.opening import Line
from agentlogger.intake.files.parts import Part, Reader, Refused, loads
from agentlogger.limits import BODY_PLAIN_BYTES

LINES_LOOKED_AT = 20
"""A transcript may begin with lines of which others have the like."""


@dataclass(frozen=True)
class Format:
    """A format: what it is called for people, how a file is taken apart, and who reads it."""

    title: str
    read: Reader
    parts: Callable[[io.BufferedReader], Iterator[Line]] = opening.lines


FORMATS = {
    "jsonl": Format("JSON Lines", json_lines.read),
    "export": Format("an export of AgentLogger", exported.read),
    "otlp": Format("OTLP/JSON, an export a line", otlp_dump.read),
    "otlp-messages": Format("OTLP, messages with their length", otlp_dump.read, opening.messages),
    "claude-code": Format("a transcript of Claude Code", claude_code.read),
    "codex": Format("a rollout of Codex", codex.read),
    "gemini-cli": Format("a chat of Gemini CLI", gemini_cli.read),
    "gemini-cli-whole": Format("a chat of Gemini CLI", gemini_cli.read_whole),
}
"""By the names that `--format` takes."""


class NoFormat(ValueError):  # noqa: N818  (it is a reason)
    """A file in none of the formats; `str()` is the reason."""


def read(content: io.BufferedReader, name: str) -> Iterator[Part | Refused]:
    """What a content in a format holds."""
    found = FORMATS[name]
    return found.read(found.parts(content))


def detect(head: bytes) -> str:
    """The name of the format in which a content begins so. Raises NoFormat.

    `head` is some of its beginning, and at most `opening.HEAD_BYTES`.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "jsonl"
    if _is_message(head):
        return "otlp-messages"
    found = list(_objects(text, whole=len(head) < opening.HEAD_BYTES))
    if not found:
        return _of_the_beginning(text)
    for name, looks_like in (
        ("export", exported.looks_like),
        ("otlp", _looks_like_otlp),
        ("codex", codex.looks_like),
        ("gemini-cli", gemini_cli.looks_like),
        ("claude-code", claude_code.looks_like),
    ):
        if any(looks_like(fields) for fields in found):
            return name
    return "jsonl"


def _objects(text: bytes, *, whole: bool) -> Iterator[dict[str, Any]]:
    """The objects of the first lines, as far as they are whole."""
    lines = text.split(b"\n")
    for line in (lines if whole else lines[:-1])[:LINES_LOOKED_AT]:
        try:
            fields = loads(line)
        except ValueError:
            continue
        if isinstance(fields, dict):
            yield fields


def _of_the_beginning(text: bytes) -> str:
    """The format of a content without a whole object in sight, by the names at its beginning.

    It is one object over many lines, or its first line is longer than what is looked at.
    """
    if text[:1] != b"{":
        hint = ": `jq -c '.[]'` makes lines of a JSON array" if text[:1] == b"[" else ""
        raise NoFormat(f"it begins with {text[:12]!r}, which none of the formats does{hint}")
    if b"\n" in text.rstrip():
        return "gemini-cli-whole" if b'"sessionId"' in text else "jsonl"
    for name, mark in (
        ("export", b'"ts_source"'),
        ("otlp", b'{"resource'),
        ("codex", b'"payload"'),
        ("gemini-cli", b'"projectHash"'),
        ("claude-code", b'"sessionId"'),
    ):
        if mark in text[:1024]:
            return name
    return "jsonl"


def _looks_like_otlp(fields: dict[str, Any]) -> bool:
    return any(name in fields for name in (*otlp_dump.FIELDS, "resourceMetrics"))


def _is_message(head: bytes) -> bool:
    """Whether it begins with the length of a message, and then with the message."""
    size = int.from_bytes(head[:4], "big")
    if not 0 < size <= BODY_PLAIN_BYTES:
        # Four letters of a text are far more than that.
        return False
    message = head[4:]
    return message.startswith((opening.ZSTD, b"{", b"\x0a"))
