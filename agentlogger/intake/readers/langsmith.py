"""LangSmith's exporter: spans, whose cached and reasoned tokens stand in JSON of LangChain's.

A run that failed has the status OK and an event with the exception (`aliases.EXCEPTION_FAILS`).
"""

from __future__ import annotations

from agentlogger.intake.call import CallReport, Usage
from agentlogger.intake.readers import otel, rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import Said, text

KIND = "langsmith.span.kind"
CALLS = frozenset({"llm", "embedding"})

USAGE = "langsmith.metadata.usage_metadata"
USAGE_NAMES = Names(
    input=("input_tokens",),
    output=("output_tokens",),
    cache_read=("input_token_details.cache_read",),
    cache_write=("input_token_details.cache_creation",),
    reasoning=("output_token_details.reasoning",),
    total=("total_tokens",),
)
PARTS = ("input_token_details", "output_token_details")
"""Parts of the same that some releases send as attributes of their own, below gen_ai.usage."""


def read(said: Said) -> CallReport | None:
    """A span of any kind."""
    if text(said, KIND) not in CALLS or said.sent.span is None:
        return None
    return otel.span(said, _usage(said))


def _usage(said: Said) -> Usage | None:
    told = otel.usage(said)
    values = rules.from_json(said.attributes.get(USAGE))
    for part in PARTS:
        details = rules.from_json(said.attributes.get(f"gen_ai.usage.{part}"))
        values |= {f"{part}.{name}": value for name, value in details.items()}
    if told is not None:
        values = {"input_tokens": told.input, "output_tokens": told.output} | values
    return rules.usage(values, USAGE_NAMES, rules.by_numbers, failed=said.failed) or told
