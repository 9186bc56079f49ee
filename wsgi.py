"""What a WSGI server serves: `gunicorn wsgi:app`; `flask` finds the application here too."""

import sys

from agentlogger.app import create_app
from agentlogger.errors import SettingInvalid

try:
    app = create_app()
except SettingInvalid as mistake:
    mistake.show()
    # gunicorn's code for an application that cannot be loaded: its master stops with it, and does
    # not start one worker after the other.
    sys.exit(4)
