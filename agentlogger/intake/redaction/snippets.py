"""The beginnings of what a client sent, as reasons and marks repeat them, without secrets.

They are cut somewhere, so the beginning of a secret counts as one. They are for people and no data:
what is replaced too much does no harm, and no key is at hand here to make equal secrets joinable.
"""

from __future__ import annotations

from agentlogger.intake.redaction import assignments, names, rules
from agentlogger.intake.redaction.finders import finders
from agentlogger.intake.redaction.marks import nameless

SHORTEST = 8

_finders = finders(rules.DEFAULT, partial=True)
_scanners = assignments.scanners()


def without_secrets(text: str) -> str:
    """A short text, as it may be cut, without secrets and without their beginnings."""
    if len(text) < SHORTEST or text.isdigit():
        return text
    for finder in _finders:
        if finder.suspects(text):
            text = finder.replaced(text, lambda rule, _: nameless(rule))
    if assignments.suspects(text, _scanners):
        text = assignments.replaced(
            text, _scanners, names.strength, lambda _: nameless(rules.KEY), partial=True
        )
    return text
