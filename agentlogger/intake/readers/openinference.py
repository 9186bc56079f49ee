"""OpenInference (Phoenix): spans, of which those of kind LLM or EMBEDDING are calls."""

from __future__ import annotations

from agentlogger.intake.call import CallReport
from agentlogger.intake.readers import otel, rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import Said, text

KIND = "openinference.span.kind"
CALLS = frozenset({"LLM", "EMBEDDING"})

NAMES = Names(
    input=("llm.token_count.prompt",),
    output=("llm.token_count.completion",),
    cache_read=("llm.token_count.prompt_details.cache_read",),
    cache_write=("llm.token_count.prompt_details.cache_write",),
    reasoning=("llm.token_count.completion_details.reasoning",),
    total=("llm.token_count.total",),
)


def read(said: Said) -> CallReport | None:
    """A span of any kind."""
    if text(said, KIND) not in CALLS or said.sent.span is None:
        return None
    told = rules.usage(said.attributes, NAMES, rules.by_numbers, failed=said.failed)
    return otel.span(said, told)
