"""Vercel's AI SDK up to 6: the inner spans are calls, the outer ones carry their sums.

A span for each attempt, so that retries are seen. The SDK's version 7 keeps to OpenTelemetry's
conventions and is read in `otel`.
"""

from __future__ import annotations

from agentlogger.intake.call import CallReport
from agentlogger.intake.readers import otel, rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import Said

OPERATION = "ai.operationId"
CALLS = (".doGenerate", ".doStream", ".doEmbed")
"""Ends of the operations that are calls of a model."""

NAMES = Names(
    input=(
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
        "gen_ai.usage.input_tokens",
    ),
    output=(
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "gen_ai.usage.output_tokens",
    ),
    cache_read=("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
    cache_write=("ai.usage.inputTokenDetails.cacheWriteTokens",),
    reasoning=("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
    total=("ai.usage.totalTokens",),
)


def read(said: Said) -> CallReport | None:
    """A span of any operation."""
    operation = said.attributes.get(OPERATION)
    if not isinstance(operation, str) or not operation.endswith(CALLS) or said.sent.span is None:
        return None
    told = rules.usage(said.attributes, NAMES, rules.by_numbers, failed=said.failed)
    return otel.span(said, told)
