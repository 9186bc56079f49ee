"""Groups of `flask` commands whose refusals are sentences, never tracebacks."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from agentlogger.errors import Refusal


class SentenceGroup(AppGroup):
    """A group of commands in an application context; a refusal ends it with 1 and its sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
