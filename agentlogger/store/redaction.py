"""What a project has chosen about redaction."""

from __future__ import annotations

import time

from sqlalchemy import select, update

from agentlogger.intake.redaction import policy as policies
from agentlogger.intake.redaction.policy import Policy
from agentlogger.models.database import db, table_of
from agentlogger.models.projects import Project
from agentlogger.store.connections import reading, writing
from agentlogger.store.scope import ProjectScope

TABLE = table_of(Project)

BELIEVED_SECONDS = 5.0
"""How long a choice is believed before the database is asked again: it changes once in months, and
every request needs it."""

_known: dict[tuple[str, int], tuple[float, Policy]] = {}
"""Until when each project's choice is believed, by the database's address and the project."""


def policy_of(scope: ProjectScope) -> Policy:
    """What this project has redacted; a change elsewhere is seen after BELIEVED_SECONDS."""
    place = _place(scope)
    until, policy = _known.get(place, (0.0, Policy()))
    if time.monotonic() < until:
        return policy
    with reading() as connection:
        setting = connection.execute(
            select(TABLE.c.redaction).where(TABLE.c.id == scope.project_id)
        ).scalar()
    policy = policies.from_setting(setting)
    _known[place] = (time.monotonic() + BELIEVED_SECONDS, policy)
    return policy


def choose(scope: ProjectScope, policy: Policy) -> None:
    """Have this project's records redacted so from now on."""
    with writing() as connection:
        connection.execute(
            update(TABLE)
            .where(TABLE.c.id == scope.project_id)
            .values(redaction=policy.as_setting())
        )
    _known.pop(_place(scope), None)


def _place(scope: ProjectScope) -> tuple[str, int]:
    return db.engine.url.render_as_string(), scope.project_id
