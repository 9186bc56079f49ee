"""What a WSGI server serves: `gunicorn wsgi:app`; `flask` finds the application here too."""

from agentlogger.wsgi import app

__all__ = ["app"]
