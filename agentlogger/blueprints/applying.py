"""What is applied to the records of a request: the server's prices, the project's redaction."""

from __future__ import annotations

from flask import current_app

from agentlogger.blueprints.gate import caller
from agentlogger.config import Settings
from agentlogger.intake.applied import Applied
from agentlogger.intake.redaction.redactor import redactor
from agentlogger.store.redaction import policy_of

PRICES = "agentlogger.prices"
"""The extension that holds the prices by which this server computes what calls cost."""


def applied() -> Applied:
    """What is applied to what the caller is sending."""
    settings: Settings = current_app.extensions["agentlogger.settings"]
    return Applied(
        current_app.extensions[PRICES],
        redactor(policy_of(caller().scope), settings.redaction_key),
    )
