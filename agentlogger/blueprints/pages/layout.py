"""What every page has around it: the version, who is signed in, the projects, the address."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, request, url_for
from flask_login import current_user

from agentlogger import __version__
from agentlogger.blueprints.gate import may
from agentlogger.blueprints.pages import texts
from agentlogger.config import Settings
from agentlogger.store import projects
from agentlogger.store.scope import OperatorScope

CHOOSER = OperatorScope("a signed-in person chooses among all projects")

VIEWS = frozenset({"stream.show", "runs_page.show", "numbers_page.show"})
"""Views of one query and span of time, which a link from one to another carries along."""

LISTS = VIEWS | {"ingest_page.show", "alerts_page.show"}
"""Pages that every project has: who chooses another project stays on them."""


def init_app(app: Flask) -> None:
    """Give every template what all pages show."""
    texts.init_app(app)
    app.context_processor(_around)


def address() -> str:
    """This server's address as programs elsewhere name it; without accounts as it was asked for."""
    settings: Settings = current_app.extensions["agentlogger.settings"]
    return request.host_url.rstrip("/") if settings.is_loopback else settings.page_address


def own_project() -> dict[str, Any]:
    """What a link carries along, so that a chosen project stays chosen."""
    return {name: text for name, text in request.args.items() if name == "project" and text}


def _asked_here() -> dict[str, Any]:
    """What the views have in common, of the one that is shown."""
    if request.endpoint not in VIEWS:
        return own_project()
    common = ("q", "from", "to", "project")
    return {name: request.args[name] for name in common if request.args.get(name)}


def _in_project(name: str) -> str:
    """The address of the same page, and of the same question, in another project."""
    endpoint = request.endpoint if request.endpoint in LISTS else "stream.show"
    return url_for(str(endpoint), **(_asked_here() | {"project": name}))


def _around() -> dict[str, Any]:
    try:
        email = current_user.email if current_user.is_authenticated else None
        names = [row["name"] for row in projects.all_of(CHOOSER)] if email else []
    except Exception:  # noqa: BLE001
        # The page that says that the database is away must not need the database.
        email, names = None, []
    return {
        "version": __version__,
        "signed_in_as": email,
        "is_admin": may("admin"),
        "projects": [(name, _in_project(name)) for name in names],
        "project": request.args.get("project") or projects.DEFAULT_NAME,
        "own_project": own_project(),
        "asked_here": _asked_here(),
        "here": request.blueprint,
    }
