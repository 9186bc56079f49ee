"""Alembic's door: everything else is in agentlogger/migrate/."""

from agentlogger.migrate import environment
from agentlogger.migrating import create_app

environment.run(create_app)
