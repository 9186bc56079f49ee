"""Read by `gunicorn wsgi:app` in this folder: the same settings as `agentlogger serve`."""

import sys

from agentlogger.app import create_app
from agentlogger.config import read_settings
from agentlogger.errors import Refusal, SettingInvalid
from agentlogger.terminal.workers import gunicorn_options, refuse_exposure

try:
    settings = read_settings()
except SettingInvalid as mistake:
    sys.exit(f"Error: {mistake.message}")

globals().update(gunicorn_options(settings))


def on_starting(server):
    """Before anything is bound: what `-b` asks for is known here and nowhere in the application."""
    try:
        refuse_exposure(create_app(settings), [address[0] for address in server.address])
    except (SettingInvalid, Refusal) as mistake:
        sys.exit(f"Error: {mistake}")
