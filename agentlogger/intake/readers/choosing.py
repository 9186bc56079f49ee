"""Which reader reads a record: by its scope, else by its event, else by an attribute it has.

Nearly all records are no reports of calls, and are told apart by a few look-ups.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from agentlogger.intake.readers import (
    claude_code,
    codex,
    gemini_cli,
    langsmith,
    logfire,
    openai_agents,
    openinference,
    otel,
    vercel_ai,
)
from agentlogger.intake.readers.said import Reader

BY_SCOPE: Final[dict[str, Reader]] = {
    gemini_cli.SCOPE: gemini_cli.read,
}

BY_EVENT: Final[dict[str | None, Reader]] = {
    "claude_code.api_request": claude_code.event,
    "claude_code.api_error": claude_code.event,
    "claude_code.llm_request": claude_code.span,
    "codex.api_request": codex.request,
    "codex.websocket_request": codex.request,
    "codex.sse_event": codex.stream,
    "handle_responses": codex.span,
    gemini_cli.ANSWERED: gemini_cli.read,
    gemini_cli.FAILED: gemini_cli.read,
    otel.DETAILS: otel.details,
    otel.FAILURE: otel.failure,
    "gen_ai.choice": otel.choice,
}
"""Codex's spans have the scope of whatever program it is built into."""

BY_ATTRIBUTE: Final[tuple[tuple[str, Reader], ...]] = (
    (vercel_ai.OPERATION, vercel_ai.read),
    (openinference.KIND, openinference.read),
    (langsmith.KIND, langsmith.read),
    (logfire.KIND, logfire.read),
    (otel.OPERATION, otel.read),
    (openai_agents.TYPE, openai_agents.read),
    (otel.REQUEST, otel.read),
)
"""The first attribute that is there: what a product adds to the conventions goes before them."""


def reader_of(scope_name: str, event: str | None, by_attribute: Reader | None) -> Reader | None:
    """The reader of a record of this scope and event, else that of its attributes (`reader_by`).

    None where nothing says that it reports a call.
    """
    return BY_SCOPE.get(scope_name) or BY_EVENT.get(event) or by_attribute


def reader_by(names: Container[str]) -> Reader | None:
    """The reader that attributes with these names ask for."""
    return next((reader for name, reader in BY_ATTRIBUTE if name in names), None)
