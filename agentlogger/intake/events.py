"""The name of an event, and what it says by itself: found once for all records that have it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from agentlogger.intake import aliases, severity
from agentlogger.intake.sent import Sent
from agentlogger.limits import TEXT_COLUMN_CHARACTERS

DOTTED = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
"""What an event's name looks like where a body holds nothing else."""

KEPT = 1_024
"""Names that are remembered: clients may send any."""
CHARACTERS_KEPT = 200
"""Characters of the longest name that is remembered, far beyond those of products."""


@dataclass(frozen=True, slots=True)
class Event:
    """What is known of a record by its event alone."""

    name: str | None
    kind: str
    """"" where the name says nothing."""
    severity: int
    """The severity of those that did not fail."""
    is_chatter: bool
    """Whether it is of interest to nobody unless it completes a stream."""


def event_of(sent: Sent) -> Event:
    """The event that a record reports; see `aliases` for who writes its name where."""
    named = sent.attributes.get(aliases.EVENT_NAME)
    if not isinstance(named, str):
        named = ""
    body = sent.body
    if not isinstance(body, str) or " " in body:
        # A sentence is no name.
        body = ""
    if len(named) + len(body) + len(sent.event_name) > CHARACTERS_KEPT:
        return _event(named, body, sent.event_name, sent.group.scope_name)
    return _kept(named, body, sent.event_name, sent.group.scope_name)


def _event(named: str, body: str, event_name: str, scope_name: str) -> Event:
    name = _name(named, body, event_name, scope_name)
    usual, is_chatter = severity.usual(name or "")
    return Event(name, _kind(name or ""), usual, is_chatter)


_kept = lru_cache(maxsize=KEPT)(_event)


def _name(named: str, body: str, event_name: str, scope_name: str) -> str | None:
    if named:
        if "." in named:
            return named
        if body.endswith(f".{named}") and DOTTED.fullmatch(body):
            return body
        family = aliases.EVENT_FAMILIES.get(scope_name)
        return f"{family}.{named}" if family else named
    if event_name and not event_name.startswith(aliases.CALL_SITE):
        return event_name
    return body if len(body) <= TEXT_COLUMN_CHARACTERS and DOTTED.fullmatch(body) else None


def _kind(name: str) -> str:
    for end, kind in aliases.KINDS:
        if name.endswith(end):
            return kind
    return "hook" if aliases.HOOK.search(name) else ""
