"""Gemini CLI: one call in up to five records (its own event, two with details, a span).

Only its own event has the thoughts, which are not within the output; it has no id at all. What the
others share with it are the session and the counts. The span is sent without counts, unless traces
are switched on: it then says nothing that the event does not.
"""

from __future__ import annotations

from agentlogger.intake.call import CallReport
from agentlogger.intake.readers import otel, rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import (
    DETAIL,
    LOG,
    SPAN,
    Said,
    keys,
    report,
    span_key,
)

NAMES = Names(
    input=("input_token_count",),
    output=("output_token_count",),
    cache_read=("cached_content_token_count",),
    reasoning=("thoughts_token_count",),
    tool=("tool_token_count",),
)
OTHER_NAMES = Names(input=("gen_ai.usage.input_tokens",), output=("gen_ai.usage.output_tokens",))
"""Of the details and of the span."""

SCOPE = "gemini-cli"
ANSWERED = "gemini_cli.api_response"
FAILED = "gemini_cli.api_error"
CALL = "llm_call"
FAILED_DETAILS = "GenAI operation error details"
"""How the sentence begins by which alone the details of a failed call are known."""


def read(said: Said) -> CallReport | None:
    """Any record of Gemini CLI; most are no reports."""
    if said.event == ANSWERED:
        return report(
            said,
            "log",
            LOG,
            fingerprint=_alike(said, NAMES),
            ok=not said.failed,
            usage=rules.usage(said.attributes, NAMES, rules.thoughts_apart, failed=said.failed),
        )
    if said.event == FAILED:
        return report(said, "log", LOG, names=span_key(said), ok=False)
    if said.event == otel.DETAILS:
        return _details(said)
    is_call = said.sent.span is not None and said.attributes.get(otel.OPERATION) == CALL
    return _span(said) if is_call else None


def _details(said: Said) -> CallReport | None:
    body = said.sent.body
    if isinstance(body, str) and body.startswith(FAILED_DETAILS):
        names = span_key(said)
        return report(said, "detail", DETAIL, names=names, ok=False) if names else None
    alike = _alike(said, OTHER_NAMES)
    if alike is None:
        return None
    return report(
        said,
        "detail",
        DETAIL,
        names=keys(said, response=("gen_ai.response.id",)),
        fingerprint=alike,
        ok=True,
        usage=rules.usage(said.attributes, OTHER_NAMES, rules.candidates_only),
    )


def _span(said: Said) -> CallReport | None:
    alike = _alike(said, OTHER_NAMES)
    if alike is None and not said.failed:
        return None
    return report(
        said,
        "span",
        SPAN,
        names=span_key(said),
        fingerprint=alike,
        ok=said.outcome,
        usage=rules.usage(said.attributes, OTHER_NAMES, rules.candidates_only),
    )


def _alike(said: Said, names: Names) -> str | None:
    """The session and the counts as they were sent; None where there are none."""
    told = [rules.count(said.attributes.get(name)) for name in names.input + names.output]
    if all(each is None for each in told):
        return None
    return f"gemini_cli:{said.session}:{told[0]}:{told[1]}"
