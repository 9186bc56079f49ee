"""Records that are stored already, redacted as they would be today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentlogger.intake import storable
from agentlogger.intake.redaction import rules
from agentlogger.intake.redaction.policy import Policy
from agentlogger.intake.redaction.redactor import Redactor
from agentlogger.intake.redaction.snippets import without_secrets
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import ERROR_MESSAGE_CHARACTERS, TEXT_COLUMN_CHARACTERS

CUT_AT = {TEXT_COLUMN_CHARACTERS, ERROR_MESSAGE_CHARACTERS}

JSON = ("body", "attributes", "resource", "scope", "envelope")

TEXTS = (
    "ts_sent", "severity_text", "event", "event_name", "session_id", "prompt_id", "run_id",
    "agent", "model", "provider", "tool", "tool_call_id", "request_id", "user_id", "error_type",
    "error_message",
)  # fmt: skip
"""Columns of text that a client can fill; ids of traces and spans are hex."""


def scrubbed(row: Mapping[str, Any], redactor: Redactor) -> tuple[dict[str, Any], dict[str, int]]:
    """The columns of a stored record that must change, and how often each rule was applied.

    A column that an attribute fills changes with it: nothing of a record is read anew.
    """
    notes = Adjustments()
    changes: dict[str, Any] = {}
    for column in JSON:
        given = row[column]
        found = redactor.value(given, notes)
        if found != given:
            changes[column] = storable.value(found, Adjustments())
    moved = _moved(row, changes)
    for column in TEXTS:
        given = row[column]
        if given is not None:
            found = _follows(given, moved) or redactor.text(given, notes)
            if found != given:
                changes[column] = found
    adjustments = _marked(row["adjustments"] or {}, notes)
    if adjustments != (row["adjustments"] or {}):
        changes["adjustments"] = adjustments
    return changes, notes.counts


def _moved(row: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, str]:
    """The texts of attributes that changed, and what became of them."""
    return {
        given: found
        for column in ("attributes", "resource")
        if column in changes
        for given, found in zip(row[column].values(), changes[column].values(), strict=True)
        if isinstance(given, str) and isinstance(found, str) and given != found
    }


def _follows(given: str, moved: Mapping[str, str]) -> str | None:
    """What a column becomes that holds an attribute's text, whole or cut."""
    if given in moved:
        return moved[given]
    if len(given) in CUT_AT:
        return next(
            (new[: len(given)] for old, new in moved.items() if old.startswith(given)), None
        )
    return None


def _marked(adjustments: Mapping[str, Any], notes: Adjustments) -> dict[str, Any]:
    """A record's marks without secrets, and with those that tell of its redaction."""
    marked = {
        rule: mark | {"sent": without_secrets(mark["sent"])} if "sent" in mark else dict(mark)
        for rule, mark in adjustments.items()
    }
    for rule, count in notes.counts.items():
        marked[rule] = {"count": marked.get(rule, {"count": 0})["count"] + count}
    return marked


def only(policy: Policy, chosen: frozenset[str]) -> Policy:
    """A project's policy, narrowed to these rules, even where it has switched them off."""
    return Policy(
        without=frozenset(rules.DEFAULT) - chosen,
        also=chosen & frozenset(rules.OPTIONAL),
        names=policy.names,
        spared=policy.spared,
    )
