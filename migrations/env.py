"""Alembic's door: everything else is in agentlogger/migrate/."""

from agentlogger.app import create_app
from agentlogger.migrate import environment

environment.run(create_app)
