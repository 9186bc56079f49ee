"""Alice runs the server and signs in; Bob's programs have keys; Charlie is from elsewhere."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from agentlogger.store import keys, projects, users
from agentlogger.store.scope import OperatorScope, ProjectScope

STAGE = OperatorScope("a test sets the stage")
PASSWORD = "correct horse battery"


@pytest.fixture
def alice(app: Flask) -> str:
    """The email of an admin: from now on the server asks for keys."""
    with app.app_context():
        users.create(
            STAGE, email="alice@example.org", password=PASSWORD, full_name=None, is_admin=True
        )
    return "alice@example.org"


@pytest.fixture
def make_key(app: Flask):
    """A function that makes a key of a project, the default one where none is named."""

    def make(*scopes: str, project: str = "default", expires_ns: int | None = None) -> str:
        with app.app_context():
            row = projects.named(STAGE, project)
            project_id = row["id"] if row else projects.create(STAGE, project)
            return keys.create(
                ProjectScope(project_id),
                name="of a test",
                scopes=scopes or ("ingest", "read"),
                expires_ns=expires_ns,
            )

    return make


@pytest.fixture
def signed_in(app: Flask, alice: str) -> FlaskClient:
    """A browser in which Alice has signed in."""
    browser = app.test_client()
    sign_in(browser, alice, PASSWORD)
    return browser


def sign_in(browser: FlaskClient, email: str, password: str, **options):
    """Fill in the form as a person does, its hidden token included."""
    page = browser.get("/login").get_data(as_text=True)
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    form = {"email": email, "password": password, "csrf_token": token}
    return browser.post("/login", data=form, **options)


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"Authorization": f"Bearer {key}"}
