"""Older programs know identities by digests alone: beside them and after them, once is once."""

from __future__ import annotations

import hashlib
import time

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from flask_migrate import cli
from sqlalchemy import delete, insert, select

from agentlogger.intake import batches
from agentlogger.models.calls import ModelCallKey
from agentlogger.models.database import db, table_of
from agentlogger.models.identities import FormerIdentity, RecordIdentity
from agentlogger.models.logs import LogRecord
from agentlogger.store import appending, identities, merging, projects
from agentlogger.store.appending import Appended
from agentlogger.store.connections import writing
from tests.store.test_calls import NOW as AT
from tests.store.test_calls import record

SCOPE = projects.DEFAULT
NOW = time.time_ns()
RECORDS = table_of(LogRecord)
TABLE, FORMER = table_of(RecordIdentity), table_of(FormerIdentity)
BEFORE = "e5609c61d284"
"""The revision before the one with the new table."""
TOLD = {"project_id": identities.NO_PROJECT, "identity": b"", "ts_ns": 0, "record_id": 0}
"""The row that says that no older program is left."""


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


@pytest.fixture
def upgraded(inside):
    """A database that older programs may still write to."""
    del inside
    with writing() as connection:
        connection.execute(delete(TABLE))


def older_are_gone() -> None:
    with writing() as connection:
        connection.execute(insert(TABLE), [TOLD])


def send(*ids: str) -> Appended:
    lines = "\n".join(f'{{"id": "{one}", "body": "{one}"}}' for one in ids).encode()
    return appending.append(SCOPE, batches.from_native(lines, NOW, lines=True).records)


def digest(identifier: str) -> bytes:
    """What an older program knows a record by."""
    return hashlib.sha256(f"id\0{identifier}".encode()).digest()


def store_as_an_older_program(identifier: str) -> None:
    row = {
        "project_id": SCOPE.project_id,
        "identity": digest(identifier),
        "ts_ns": 1,
        "record_id": 1,
    }
    with writing() as connection:
        connection.execute(insert(FORMER), [row])


def known_to_older() -> set[bytes]:
    with db.engine.connect() as connection:
        return {bytes(one) for one in connection.execute(select(FORMER.c.identity)).scalars()}


@pytest.mark.usefixtures("upgraded")
def test_beside_older_programs_each_knows_what_the_other_has_stored():
    store_as_an_older_program("theirs")

    assert send("theirs", "ours") == Appended(1, 1, [])
    assert known_to_older() == {digest("theirs"), digest("ours")}
    assert send("ours") == Appended(0, 1, [])


@pytest.mark.usefixtures("upgraded")
def test_what_came_before_the_last_older_program_was_gone_is_known_for_ever():
    store_as_an_older_program("theirs")
    send("ours")
    older_are_gone()

    assert send("theirs", "ours", "new") == Appended(1, 2, [])
    assert known_to_older() == {digest("theirs"), digest("ours")}
    assert send("new") == Appended(0, 1, [])


@pytest.mark.usefixtures("upgraded")
def test_who_sees_while_it_claims_that_older_programs_are_gone_claims_anew(monkeypatch):
    answers = iter([True])
    asked = identities.older_may_run
    monkeypatch.setattr(
        identities, "older_may_run", lambda *given: next(answers, None) or asked(*given)
    )
    older_are_gone()

    assert send("a") == Appended(1, 0, [])
    assert known_to_older() == set()
    assert send("a") == Appended(0, 1, [])


def test_what_a_downgrade_leaves_is_known_to_older_programs(app):
    send("ours")
    appending.append(SCOPE, [record("log", "request:1"), record("span", "request:1", at=1)])
    names = table_of(ModelCallKey)
    with db.engine.connect() as connection:
        reported = select(RECORDS.c.ts_ns, RECORDS.c.id).where(RECORDS.c.ts_ns.in_([AT, AT + 1]))
        places = connection.execute(reported).all()
    db.engine.dispose()

    ended = CliRunner().invoke(
        cli.db, ["downgrade", BEFORE], obj=ScriptInfo(create_app=lambda: app)
    )

    assert ended.exit_code == 0, ended.output
    assert known_to_older() == {digest("ours")}
    with db.engine.connect() as connection:
        known = set(map(bytes, connection.execute(select(names.c.digest)).scalars()))
    assert {merging.record_key(*place) for place in places} <= known
    assert len(places) == 2
