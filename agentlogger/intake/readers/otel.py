"""OpenTelemetry's GenAI conventions, in three vintages, and whoever keeps to them.

OpenTelemetry's own instrumentations, OpenLLMetry and Traceloop, Pydantic AI, Vercel's AI SDK 7,
Anthropic's SDK: a span is a call where its operation is one, however many spans around it carry
sums. An event `gen_ai.client.inference.operation.details` repeats its span.
"""

from __future__ import annotations

from typing import Any

from agentlogger.intake.call import CallReport, Usage
from agentlogger.intake.readers import rules
from agentlogger.intake.readers.rules import Names
from agentlogger.intake.readers.said import (
    CHOICE,
    CLIENT,
    DETAIL,
    LOG,
    SPAN,
    Said,
    beneath,
    keys,
    report,
    span_key,
    text,
)

OPERATION = "gen_ai.operation.name"
CALLS = frozenset({"chat", "generate_content", "text_completion", "completion", "embeddings"})
"""Operations that are one call of a model. `invoke_agent` and the like are none: what they carry
are sums."""

REQUEST = "llm.request.type"
REQUESTS = frozenset({"chat", "completion", "embedding"})
"""What OpenLLMetry called them before there were operations."""

DETAILS = "gen_ai.client.inference.operation.details"
FAILURE = "gen_ai.client.operation.exception"

NAMES = Names(
    input=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    output=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    cache_read=(
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cache_read_input_tokens",
        "gen_ai.usage.details.cached_tokens",
        "gen_ai.usage.cached_tokens",
    ),
    cache_write=(
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
    ),
    reasoning=(
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.thoughts_tokens",
    ),
    total=("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
)

RAW = "gen_ai.usage.raw"
"""The provider's own usage as JSON (Logfire): it has the parts that the attributes leave out."""

RAW_NAMES = Names(
    input=("input_tokens", "prompt_tokens"),
    output=("output_tokens", "completion_tokens"),
    cache_read=(
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "cache_read_input_tokens",
    ),
    cache_write=("input_tokens_details.cache_write_tokens", "cache_creation_input_tokens"),
    reasoning=(
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
    ),
    total=("total_tokens",),
)
RAW_EXCLUSIVE = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Names of Anthropic's, whose input holds neither."""

CLIENTS = frozenset(
    {
        "com.anthropic.sdk.python",
        "logfire.openai",
        "openinference.instrumentation.bedrock",
        "openinference.instrumentation.google_genai",
        "openinference.instrumentation.groq",
        "openinference.instrumentation.mistralai",
        "openinference.instrumentation.openai",
        "openinference.instrumentation.vertexai",
        "opentelemetry.instrumentation.bedrock",
        "opentelemetry.instrumentation.botocore",
        "opentelemetry.instrumentation.google_genai",
        "opentelemetry.instrumentation.openai.v0",
        "opentelemetry.instrumentation.openai.v1",
        "opentelemetry.instrumentation.openai_v2",
        "opentelemetry.util.genai.handler",
    }
)
"""Scopes that watch a client library. Where a framework makes the call through it, both have a
span for it, one within the other. Those that watch Anthropic's client are not among them: its own
span stands within theirs."""

CHOICE_SCOPES = frozenset({"opentelemetry.instrumentation.openai_v2", "pydantic-ai"})
"""Scopes whose `gen_ai.choice` carries the ids of the call's own span, or none at all."""


def read(said: Said) -> CallReport | None:
    """A span of a call, or a log record that tells the usage of one."""
    if text(said, OPERATION) not in CALLS and text(said, REQUEST) not in REQUESTS:
        return None
    if said.sent.span is not None:
        return span(said, usage(said))
    told = usage(said)
    return None if told is None else _log(said, told)


def span(said: Said, told: Usage | None) -> CallReport:
    """The report of a span that is a call."""
    is_client = said.sent.group.scope_name in CLIENTS
    within = said.sent.span_id
    if is_client and said.sent.span is not None:
        within = said.sent.span.parent_span_id or within
    return report(
        said,
        "client" if is_client else "span",
        CLIENT if is_client else SPAN,
        names=span_key(said) + _response(said),
        fingerprint=beneath(said, within),
        ok=said.outcome,
        usage=told,
    )


def details(said: Said) -> CallReport | None:
    """An event that repeats the span it stands in, or stands for it where no spans are sent."""
    told = usage(said)
    return report(
        said,
        "detail",
        DETAIL,
        names=span_key(said) + _response(said),
        ok=not said.failed,
        usage=told,
    )


def failure(said: Said) -> CallReport | None:
    """An event that says that the call it stands in failed."""
    names = span_key(said)
    return report(said, "failure", CHOICE, names=names, ok=False) if names else None


def choice(said: Said) -> CallReport | None:
    """The first answer of a call, as a message: there was a call, and no numbers come with it."""
    body = said.sent.body
    if said.sent.group.scope_name not in CHOICE_SCOPES or not isinstance(body, dict):
        return None
    if rules.count(body.get("index", 0)) != 0:
        return None
    return report(said, "choice", CHOICE, names=span_key(said), ok=True)


def usage(said: Said) -> Usage | None:
    """The tokens that the conventions' attributes tell, with those of the provider's own usage."""
    attributes = said.attributes
    if RAW not in attributes:
        return rules.usage(attributes, NAMES, rules.by_numbers, failed=said.failed)
    return _with_raw(attributes, failed=said.failed)


def _with_raw(attributes: dict[str, Any], *, failed: bool) -> Usage | None:
    raw = rules.from_json(attributes[RAW])
    told = rules.usage(attributes, NAMES, rules.by_numbers, failed=failed)
    is_exclusive = any(name in raw for name in RAW_EXCLUSIVE)
    if is_exclusive:
        # Anthropic writes null where nothing was cached.
        raw = raw | {name: raw.get(name) or 0 for name in RAW_EXCLUSIVE}
    rule = rules.exclusive_cache if is_exclusive else rules.by_numbers
    parts = rules.usage(raw, RAW_NAMES, rule, failed=failed)
    if told is None or parts is None:
        return told or parts
    if is_exclusive and told.input == rules.count(raw.get("input_tokens")):
        return parts
    for part in ("cache_read", "cache_write", "reasoning"):
        if getattr(told, part) is None:
            setattr(told, part, getattr(parts, part))
    return told


def _log(said: Said, told: Usage) -> CallReport:
    """A program's own log record about a call, perhaps from within the span of that call."""
    return report(
        said,
        "log",
        LOG,
        names=_response(said),
        fingerprint=beneath(said, said.sent.span_id),
        ok=not said.failed,
        usage=told,
    )


def _response(said: Said) -> tuple[str, ...]:
    return keys(said, response=("gen_ai.response.id",))
