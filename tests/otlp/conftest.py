"""The tests of this folder share an application."""

from tests.otlp.standing import app, standing_app

__all__ = ["app", "standing_app"]
