"""What became of records that were sent somewhere, counted and told at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import click

REASONS = 20
"""Refused records of which the place and the reason are shown; the others are counted."""

STOPPED, SOME_REFUSED = 1, 3
"""Exit codes: it did not come to its end; it did, and something was refused."""


@dataclass
class Reckoning:
    """Sent is stored, known already, and refused, together."""

    sent: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)

    def refuse(self, reason: str, count: int = 1) -> None:
        """Count what was refused, and keep the reason as long as there is room."""
        self.refused += count
        if len(self.reasons) < REASONS:
            self.reasons.append(reason)

    def tell_refused(self) -> None:
        """Say what was refused, and how many are not named."""
        for reason in self.reasons:
            click.echo(reason, err=True)
        if self.refused > len(self.reasons):
            click.echo(f"and {self.refused - len(self.reasons):,} more refused", err=True)

    def __str__(self) -> str:
        return (
            f"{self.sent:,} records sent, {self.stored:,} stored, {self.duplicates:,} known "
            f"already, {self.refused:,} refused"
        )
