"""A record as a reader sees it, and the report that readers make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from agentlogger.intake.call import CallReport, Usage
from agentlogger.intake.readers import rules
from agentlogger.intake.sent import Sent
from agentlogger.limits import COUNT_MAX

LOG, SPAN, CLIENT, DETAIL, CHOICE = 40, 30, 25, 20, 10
"""Ranks. A product's own log tells most of a call (thoughts, cost, the session); a span of a
framework knows the agent, one of a client library within it does not; an event with details
repeats its span; a message alone has no numbers at all."""

COSTS: Final = (
    ("cost_usd_micros", 1),
    ("cost_usd", 1_000_000),
    ("operation.cost", 1_000_000),
    ("llm.cost.total", 1_000_000),
    ("gen_ai.usage.cost", 1_000_000),
)
"""Attributes that tell a cost, and how many micro-dollars one of their units has. Claude Code's
exact integer goes before its rounded dollars."""

MOST: Final = {unit: Decimal(COUNT_MAX) / unit for _, unit in COSTS}
"""The largest amount in each unit: a larger one is none, and what was told of tokens is priced."""

RESENT: Final = "http.request.resend_count"


@dataclass(init=False, slots=True)
class Said:
    """What a reader is given: the record as sent, and what its columns are already."""

    sent: Sent
    event: str | None
    session: str | None
    model: str | None
    ok: bool | None

    def __init__(
        self,
        sent: Sent,
        event: str | None,
        session: str | None,
        model: str | None,
        ok: bool | None,
    ) -> None:
        self.sent = sent
        self.event = event
        self.session = session
        self.model = model
        self.ok = ok

    @property
    def attributes(self) -> dict[str, Any]:
        """The record's attributes."""
        return self.sent.attributes

    @property
    def failed(self) -> bool:
        """Whether the record says that what it is about failed."""
        return self.ok is False

    @property
    def outcome(self) -> bool | None:
        """Whether a span's work worked: one that ended without saying that it failed has."""
        if self.ok is not None:
            return self.ok
        return True if self.sent.span is not None and self.sent.span.end_ns else None


Reader = Callable[[Said], CallReport | None]


def text(said: Said, name: str) -> str | None:
    """An attribute that is a text with something in it, or None."""
    given = said.attributes.get(name)
    return given if isinstance(given, str) and given else None


def span_key(said: Said) -> tuple[str, ...]:
    """The name that a call has by the span it is, or that its event stands in."""
    sent = said.sent
    if sent.trace_id and sent.span_id:
        return (f"span:{sent.trace_id}:{sent.span_id}",)
    return ()


def keys(said: Said, **named: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the call from attributes: `response=("gen_ai.response.id",)`."""
    found: list[str] = []
    attributes = said.attributes
    for kind, names in named.items():
        for name in names:
            given = attributes.get(name)
            if isinstance(given, str) and given:
                key = f"{kind}:{given}"
                if key not in found:
                    found.append(key)
    return tuple(found)


def beneath(said: Said, span_id: str | None) -> str | None:
    """What a call has alike with whatever reports it from within the same span."""
    sent = said.sent
    return f"within:{sent.trace_id}:{span_id}" if sent.trace_id and span_id else None


def report(
    said: Said,
    source: str,
    rank: int,
    *,
    names: tuple[str, ...] = (),
    fingerprint: str | None = None,
    ok: bool | None = None,
    usage: Usage | None = None,
    failed_before: int | None = None,
) -> CallReport:
    """A report with what any emitter may say: its cost, and how often a request was sent again."""
    if failed_before is None:
        failed_before = rules.count(said.attributes.get(RESENT)) or 0
    return CallReport(
        source=source,
        keys=names,
        fingerprint=fingerprint,
        rank=rank,
        ok=ok,
        failed_before=failed_before,
        usage=usage,
        cost_micro_usd=_cost(said.attributes),
    )


def _cost(attributes: dict[str, Any]) -> int | None:
    for name, micro_dollars in COSTS:
        if name in attributes:
            told = rules.decimal(attributes[name])
            if told is not None and 0 <= told <= MOST[micro_dollars]:
                return int((told * micro_dollars).to_integral_value(ROUND_HALF_UP))
    return None
