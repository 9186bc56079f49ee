"""The page of the API's description."""

from __future__ import annotations

from flask import Blueprint, render_template

from agentlogger.blueprints.gate import needs
from agentlogger.blueprints.specification import document

documentation = Blueprint("documentation", __name__)


@documentation.get("/docs")
@needs("read")
def show() -> str:
    """The API's description, made from /openapi.json; nothing comes from another host."""
    return render_template("documentation.html", spec=document())
