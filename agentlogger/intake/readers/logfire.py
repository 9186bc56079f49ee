"""Logfire: spans by OpenTelemetry's conventions, with some ways of its own.

A streamed answer is told by two spans: the request's, which has no usage, and a log written as a
span once the stream has ended, often in another trace. A span that is sent twice, pending and
ended, is one call.
"""

from __future__ import annotations

import re

from agentlogger.intake.call import CallReport
from agentlogger.intake.readers import otel
from agentlogger.intake.readers.said import Said, text

KIND = "logfire.span_type"
PENDING = "pending_span"
REQUEST = "request_data"

INSTRUMENTED = frozenset({"logfire.openai", "logfire.anthropic", "logfire.azure_ai_inference"})
"""Scopes whose spans are calls even where they name no operation, as those before 4.15 did not."""

STREAMED = re.compile(r'"stream"\s*:\s*true')


def read(said: Said) -> CallReport | None:
    """Any span of a program that uses Logfire."""
    attributes = said.attributes
    if attributes.get(KIND) == PENDING:
        return None
    if said.sent.group.scope_name not in INSTRUMENTED or said.sent.span is None:
        return otel.read(said)
    operation = text(said, otel.OPERATION)
    if REQUEST not in attributes if operation is None else operation not in otel.CALLS:
        return None
    told = otel.usage(said)
    if told is None and not said.failed and attributes[KIND] == "span" and _is_streamed(said):
        return None
    return otel.span(said, told)


def _is_streamed(said: Said) -> bool:
    request = said.attributes.get(REQUEST)
    return isinstance(request, str) and STREAMED.search(request) is not None
