"""What is applied to all records of a request, beside the rules that hold for everybody."""

from __future__ import annotations

from dataclasses import dataclass

from agentlogger.intake.prices import SHIPPED, Prices
from agentlogger.intake.redaction import redactor
from agentlogger.intake.redaction.redactor import Redactor


@dataclass(frozen=True)
class Applied:
    """The server's prices and the project's redaction."""

    prices: Prices = SHIPPED
    redactor: Redactor = redactor.DEFAULT


BY_DEFAULT = Applied()
