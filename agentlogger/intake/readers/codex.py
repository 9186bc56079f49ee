"""Codex CLI: log records, and spans that carry the same numbers and no name in common.

The record with a call's tokens says nothing but the session and the model; the span says neither.
What both say alike are the counts. Each attempt that fails before an answer is a request of its
own; an answer that breaks off is told by two records.
"""

from __future__ import annotations

from agentlogger.intake.call import CallReport
from agentlogger.intake.readers import rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import LOG, SPAN, Said, keys, report, span_key, text

NAMES = Names(
    input=("input_token_count",),
    output=("output_token_count",),
    cache_read=("cached_token_count",),
    cache_write=("cache_write_token_count",),
    reasoning=("reasoning_token_count",),
)
"""`tool_token_count` is no count of tools: it is the total."""

SPAN_NAMES = Names(
    input=("gen_ai.usage.input_tokens",),
    output=("gen_ai.usage.output_tokens",),
    cache_read=("gen_ai.usage.cache_read.input_tokens",),
    cache_write=("gen_ai.usage.cache_write.input_tokens",),
    reasoning=("codex.usage.reasoning_output_tokens",),
)

ENDPOINTS = ("responses", "chat/completions")
"""Ends of the paths that are calls of models; a list of models is none."""


def stream(said: Said) -> CallReport | None:
    """`sse_event`: the one that completes an answer, or says that it broke off.

    Of the two that complete an answer one has the tokens and the other nothing.
    """
    kind = said.attributes.get("event.kind")
    if kind == "response.completed":
        if text(said, "error.message") is not None:
            return _broken(said, "log")
        counts = _alike(said, NAMES)
        if counts is None:
            return None
        told = rules.usage(said.attributes, NAMES, rules.by_numbers)
        return report(said, "log", LOG, fingerprint=counts, ok=True, usage=told)
    return _broken(said, "stream") if kind == "response.failed" else None


def request(said: Said) -> CallReport | None:
    """`api_request` and `websocket_request`: an attempt that failed before any answer.

    One that was answered says only that an answer has begun.
    """
    endpoint = text(said, "endpoint")
    if not said.failed or not (endpoint is None or endpoint.endswith(ENDPOINTS)):
        return None
    named = keys(said, request=("auth.request_id",))
    stamp = text(said, "event.timestamp")
    if stamp is not None:
        # The log record and the event of a span that tell of one attempt have one time.
        attempt = rules.count(said.attributes.get("attempt"))
        named += (f"attempt:{said.session}:{stamp}:{attempt}",)
    return report(said, "log", LOG, names=named, ok=False)


def span(said: Said) -> CallReport | None:
    """`handle_responses`: only those that end an answer have its tokens."""
    counts = _alike(said, SPAN_NAMES)
    if counts is None or said.sent.span is None:
        return None
    return report(
        said,
        "span",
        SPAN,
        names=span_key(said),
        fingerprint=counts,
        ok=said.outcome,
        usage=rules.usage(said.attributes, SPAN_NAMES, rules.by_numbers),
    )


def _broken(said: Said, source: str) -> CallReport:
    return report(said, source, LOG, fingerprint=f"codex:broken:{said.session}", ok=False)


def _alike(said: Said, names: Names) -> str | None:
    """The counts of an answer as a text; None where there are none."""
    if not any(name in said.attributes for name in names.input + names.output):
        return None
    told = (
        rules.count(said.attributes.get(name))
        for name in names.input + names.output + names.cache_read + names.reasoning
    )
    return "codex:" + ":".join(map(str, told))
