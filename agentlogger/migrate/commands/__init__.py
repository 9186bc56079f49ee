"""The commands of `flask db`: Flask-Migrate's own, and what this room adds."""

from __future__ import annotations

from agentlogger.migrate.commands.doors import db

__all__ = ["db"]
