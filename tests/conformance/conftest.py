"""The servers that are judged: the one that AGENTLOGGER_URL names, else our own on both databases.

docs/conformance.md has the command, and what it needs: nothing of AgentLogger.
"""

from __future__ import annotations

import os
import uuid

import pytest

from tests.conformance.target import Target

URL = os.environ.get("AGENTLOGGER_URL", "")
KEY = os.environ.get("AGENTLOGGER_KEY", "")

if not URL:
    from tests.conformance.own import postgresql_target, sqlite_target  # noqa: F401  (fixtures)


@pytest.fixture(scope="session")
def named_target() -> Target:
    """The server that somebody wants to know about."""
    return Target(URL, KEY)


@pytest.fixture(params=["named"] if URL else ["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest) -> Target:
    """The server that is judged."""
    found: Target = request.getfixturevalue(f"{request.param}_target")
    return found


@pytest.fixture
def door(request: pytest.FixtureRequest) -> Target:
    """The same, for what is decided before any database is asked: once is enough."""
    found: Target = request.getfixturevalue("named_target" if URL else "sqlite_target")
    return found


@pytest.fixture
def session() -> str:
    """By which the records of one test are told from those of others."""
    return str(uuid.uuid4())
