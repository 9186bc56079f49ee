"""Where a record that is sent on was first stored, and what OTLP has no field for.

`agentlogger import` of an export and `agentlogger replay` send records as OTLP with the attribute
below. It is taken off on arrival: the record has the attributes that it had, and its `envelope`
says where it was first. No column is believed that a reader makes of what was sent; only what the
first server replaced, or what OTLP cannot say, is taken from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agentlogger.intake.sent import Sent
from agentlogger.intake.storable import RULES, Adjustments
from agentlogger.limits import COUNT_MAX, TEXT_COLUMN_CHARACTERS

ATTRIBUTE: Final = "agentlogger.origin"

IDENTITY: Final = "agentlogger.origin"
"""The kind of the identity that a record has by its origin, where it has no other."""

ID_CHARACTERS: Final = 64
"""An id has 26: what is longer is none of ours, and stays an ordinary attribute."""


@dataclass(frozen=True)
class Origin:
    """What is told of a record's first storing. "" and None mean that it is not."""

    id: str
    received_time: str = ""
    is_time_of_receipt: bool = False
    """Whether the record's time is when it was first received, as none was sent."""
    time_sent: str = ""
    error_type: str = ""
    """A span's, which its exception told: that is a record of its own by now."""
    adjustments: tuple[tuple[str, int, str], ...] = ()
    """What was replaced: rule, count, and the beginning of what was sent."""

    def adjusted(self, notes: Adjustments) -> dict[str, Any] | None:
        """What was replaced then or now; what was replaced both times was the same."""
        if not self.adjustments:
            return notes.as_column()
        merged = Adjustments()
        for rule, count, sent in self.adjustments:
            merged.note(rule, max(count, notes.counts.get(rule, 0)), sent=sent or None)
        for rule, count in notes.counts.items():
            if rule not in merged.counts:
                merged.note(rule, count, sent=notes.sent.get(rule))
        return merged.as_column()

    def in_envelope(self) -> dict[str, Any]:
        """What the record keeps of it."""
        return {"id": self.id} | (
            {"received_time": self.received_time} if self.received_time else {}
        )


def identity_of(sent: Sent) -> str:
    """What a record is known by that has an origin and no other identity; "" without one."""
    return _id_of(sent.attributes.get(ATTRIBUTE))


def taken(sent: Sent) -> Origin | None:
    """The origin that is among a record's attributes, taken off them; None where it is none.

    Ids that are none of OTLP's, such as those of OpenAI's Agents SDK, are put back.
    """
    told = sent.attributes[ATTRIBUTE]
    identifier = _id_of(told)
    if not identifier:
        return None
    sent.attributes = {name: item for name, item in sent.attributes.items() if name != ATTRIBUTE}
    sent.trace_id = sent.trace_id or _text(told, "trace_id")
    sent.span_id = sent.span_id or _text(told, "span_id")
    if sent.span is not None:
        parent = sent.span.parent_span_id or _text(told, "parent_span_id")
        sent.span.parent_span_id = parent
    return Origin(
        id=identifier,
        received_time=_text(told, "received_time"),
        is_time_of_receipt=told.get("time_source") == "received",
        time_sent=_text(told, "time_sent"),
        error_type=_text(told, "error_type"),
        adjustments=tuple(_adjustments(told.get("adjustments"))),
    )


def _id_of(told: Any) -> str:
    identifier = told.get("id") if isinstance(told, dict) else None
    fits = isinstance(identifier, str) and 0 < len(identifier) <= ID_CHARACTERS
    return str(identifier) if fits else ""


def _text(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    return found[:TEXT_COLUMN_CHARACTERS] if isinstance(found, str) else ""


def _adjustments(told: Any) -> list[tuple[str, int, str]]:
    """Those by rules that there are. They come as lists: a rule's name would be read as a name."""
    found = []
    for item in told if isinstance(told, list) else ():
        match item:
            case [str(rule), int(count), str(sent)] if rule in RULES and 0 < count <= COUNT_MAX:
                found.append((rule, count, sent))
    return found
