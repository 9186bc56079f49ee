"""Claude Code: its events, and its spans where they are switched on (documentation of 2.1.230).

Counts are Anthropic's own, so the input stands beside what was cached. A request that failed is
told once, with how many attempts it took.
"""

from __future__ import annotations

from typing import Final

from agentlogger.intake.call import CallReport
from agentlogger.intake.readers import rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import LOG, SPAN, Said, keys, report, span_key, text

NAMES: Final = Names(
    input=("input_tokens",),
    output=("output_tokens",),
    cache_read=("cache_read_tokens",),
    cache_write=("cache_creation_tokens",),
)


def event(said: Said) -> CallReport | None:
    """`api_request` and `api_error`; the ids of a span on them are of whatever span was open."""
    return _report(said, "log", LOG, ())


def span(said: Said) -> CallReport | None:
    """`llm_request`."""
    return _report(said, "span", SPAN, span_key(said))


def _report(said: Said, source: str, rank: int, own: tuple[str, ...]) -> CallReport:
    attributes = said.attributes
    named = keys(said, request=("request_id",), client_request=("client_request_id",))
    failed = said.failed or attributes.get("success") in ("false", False)
    attempts = rules.count(attributes.get("attempt")) or 1
    return report(
        said,
        source,
        rank,
        names=own + named,
        fingerprint=None if named else _alike(said),
        ok=not failed,
        usage=rules.usage(attributes, NAMES, rules.exclusive_cache, failed=failed),
        failed_before=attempts - 1,
    )


def _alike(said: Said) -> str:
    """What a call says that has no id: Bedrock and Vertex give none, nor a broken connection."""
    names = NAMES.input + NAMES.output + NAMES.cache_read + NAMES.cache_write
    counts = (str(rules.count(said.attributes.get(name))) for name in names)
    return ":".join(["claude_code", said.model or "", text(said, "error") or "", *counts])
