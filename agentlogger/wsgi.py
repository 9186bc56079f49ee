"""What a WSGI server serves, and what `flask` works in: `app`.

A server, `flask users` and all others are given the whole application; `flask db` is given what
migrates.
"""

from __future__ import annotations

import sys

import click
from flask_migrate import cli

from agentlogger.errors import SettingInvalid

context = click.get_current_context(silent=True)
if context is not None and context.command is cli.db:
    from agentlogger.migrating import create_app
else:
    from agentlogger.app import create_app

try:
    app = create_app()
except SettingInvalid as mistake:
    mistake.show()
    # gunicorn's code for an application that cannot be loaded: its master stops with it, and does
    # not start one worker after the other.
    sys.exit(4)
