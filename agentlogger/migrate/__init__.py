"""The migration room: what `flask db` and bare `alembic` gain; it knows no other room of ours.

A factory needs one line, `Migrations(folder, version).init_app(app, db)`, and `migrations/env.py`
another, `environment.run(create_app)`.
"""

from __future__ import annotations

from agentlogger.migrate import verbs
from agentlogger.migrate.extension import Migrations
from agentlogger.migrate.ledger.window import Verdict

__all__ = ["Migrations", "Verdict", "verbs"]
