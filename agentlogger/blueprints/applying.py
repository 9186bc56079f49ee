"""What is applied to the records of a request: the server's prices, the project's redaction."""

from __future__ import annotations

from flask import current_app

from agentlogger.blueprints.gate import caller
from agentlogger.config import Settings
from agentlogger.intake.applied import Applied
from agentlogger.intake.redaction.redactor import redactor
from agentlogger.store.redaction import policy_of
from agentlogger.store.scope import ProjectScope

PRICES = "agentlogger.prices"
"""The extension that holds the prices by which this server computes what calls cost."""


def applied() -> Applied:
    """What is applied to what the caller is sending."""
    return applied_in(caller().scope)


def applied_in(scope: ProjectScope) -> Applied:
    """What is applied to records of a project, inside an application context."""
    settings: Settings = current_app.extensions["agentlogger.settings"]
    return Applied(
        current_app.extensions[PRICES], redactor(policy_of(scope), settings.redaction_key)
    )
