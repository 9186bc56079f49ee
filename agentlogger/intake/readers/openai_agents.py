"""OpenAI's Agents SDK in its own JSON (`agents_json`): generations and responses are calls.

Spans of turns and of tasks carry the sums of the calls within them.
"""

from __future__ import annotations

from agentlogger.intake.call import CallReport
from agentlogger.intake.readers import rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import SPAN, Said, keys, report, span_key, text

TYPE = "span_data.type"
CALLS = frozenset({"generation", "response"})

NAMES = Names(
    input=("input_tokens", "prompt_tokens"),
    output=("output_tokens", "completion_tokens"),
    cache_read=("input_tokens_details.cached_tokens", "prompt_tokens_details.cached_tokens"),
    cache_write=("input_tokens_details.cache_write_tokens",),
    reasoning=(
        "output_tokens_details.reasoning_tokens",
        "completion_tokens_details.reasoning_tokens",
    ),
    total=("total_tokens",),
)


def read(said: Said) -> CallReport | None:
    """A span of any type."""
    if text(said, TYPE) not in CALLS:
        return None
    values = rules.from_json(said.attributes.get("span_data.usage"))
    return report(
        said,
        "span",
        SPAN,
        names=span_key(said) + keys(said, response=("span_data.response_id",)),
        ok=said.outcome,
        usage=rules.usage(values, NAMES, rules.by_numbers, failed=said.failed),
    )
