"""The settings with which programs send here, as each of them reads its own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PLACEHOLDER = "alog_..."
"""Stands where a key is needed and none was given."""


@dataclass(frozen=True)
class Sending:
    """Where a program shall send, with which key, and whether it shall send what people write."""

    address: str
    key: str
    content: bool

    @property
    def header(self) -> str:
        """The header that carries the key, as OpenTelemetry's variables have it."""
        return f"Authorization=Bearer {self.key}"


Settings = Sequence[tuple[str, str]]


def _exporter(to: Sending) -> Settings:
    settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", to.address),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ]
    return [*settings, ("OTEL_EXPORTER_OTLP_HEADERS", to.header)] if to.key else settings


def _claude(to: Sending) -> str:
    content = [
        ("OTEL_LOG_USER_PROMPTS", "1"),
        ("OTEL_LOG_ASSISTANT_RESPONSES", "1"),
        ("OTEL_LOG_TOOL_DETAILS", "1"),
    ]
    return _exports(
        [
            ("CLAUDE_CODE_ENABLE_TELEMETRY", "1"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            *_exporter(to),
            *(content if to.content else ()),
        ]
    )


def _codex(to: Sending) -> str:
    """Codex reads no variables; its endpoints are used as they are written."""
    bearer = json.dumps(f"Bearer {to.key}")
    headers = f', headers = {{ "authorization" = {bearer} }}' if to.key else ""

    def exporter(signal: str) -> str:
        endpoint = json.dumps(f"{to.address}/v1/{signal}")
        return f'{{ otlp-http = {{ endpoint = {endpoint}, protocol = "binary"{headers} }} }}'

    return "\n".join(
        [
            "[otel]",
            f"exporter = {exporter('logs')}",
            'metrics_exporter = "none"',
            f"log_user_prompt = {'true' if to.content else 'false'}",
        ]
    )


def _gemini(to: Sending) -> str:
    headers = [("OTEL_EXPORTER_OTLP_HEADERS", to.header)] if to.key else []
    return _exports(
        [
            ("GEMINI_TELEMETRY_ENABLED", "true"),
            ("GEMINI_TELEMETRY_TARGET", "local"),
            ("GEMINI_TELEMETRY_OTLP_PROTOCOL", "http"),
            ("GEMINI_TELEMETRY_OTLP_ENDPOINT", to.address),
            ("GEMINI_TELEMETRY_LOG_PROMPTS", "true" if to.content else "false"),
            *headers,
        ]
    )


def _sdk(to: Sending) -> str:
    """What OpenTelemetry's SDKs read, whichever language; metrics would be kept nowhere."""
    return _exports(
        [
            *_exporter(to),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ]
    )


def _python(to: Sending) -> str:
    """The same, with the word that OpenTelemetry's own instrumentations of models take."""
    content = [("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")]
    return "\n".join([_sdk(to), _exports(content)]) if to.content else _sdk(to)


def _exports(settings: Settings) -> str:
    return "\n".join(f"export {name}={_quoted(value)}" for name, value in settings)


def _quoted(value: str) -> str:
    return f'"{value}"' if value.startswith("Authorization=") else shlex.quote(value)


@dataclass(frozen=True)
class Program:
    """A program that sends: how its settings are written, and what is done with them."""

    name: str
    written: Callable[[Sending], str]
    use: str
    """What is done with what `agentlogger env` prints."""
    place: str
    """Where what is written is pasted."""


SHELL = "in the shell that starts it"

PROGRAMS = {
    "claude": Program(
        "Claude Code",
        _claude,
        'Claude Code: eval "$(agentlogger env claude)", then start it.',
        SHELL,
    ),
    "codex": Program(
        "Codex CLI",
        _codex,
        "Codex CLI: into ~/.codex/config.toml; a project's own is not read.",
        "in ~/.codex/config.toml",
    ),
    "gemini": Program(
        "Gemini CLI",
        _gemini,
        'Gemini CLI: eval "$(agentlogger env gemini)", then start it.',
        SHELL,
    ),
    "python": Program(
        "Python",
        _python,
        "Python with OpenTelemetry's SDK and opentelemetry-exporter-otlp-proto-http: "
        'eval "$(agentlogger env python)", then start it.',
        "with OpenTelemetry's SDK, in the shell that starts it",
    ),
    "node": Program(
        "Node",
        _sdk,
        'Node with OpenTelemetry\'s SDK: eval "$(agentlogger env node)", then start it.',
        "with OpenTelemetry's SDK, in the shell that starts it",
    ),
}
