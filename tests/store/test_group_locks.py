"""Requests that share a transaction, where PostgreSQL holds one of them at a lock."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentlogger.store import appending, identities
from agentlogger.store.appending import Appended, Request
from agentlogger.store.connections import writing
from agentlogger.store.group_commit import GroupCommit
from agentlogger.store.postgresql import backend as postgresql
from tests.store.test_once import NOW, SCOPE, TEST, dated, requests


@pytest.fixture(autouse=True)
def inside(app):
    """Every test here is inside the application."""
    with app.app_context():
        yield


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_on_postgresql_who_is_alone_at_a_lock_lets_others_by(app, monkeypatch):
    """The one has an identity that an open transaction is about to store."""
    monkeypatch.setattr(postgresql, "LOCK_WAIT_MILLISECONDS", 60_000)
    locked, free = requests(dated("a", ids="x"), dated("b", ids="x"))
    (record,) = locked.records
    assert record.identity is not None
    group = GroupCommit(appending._append_whole, appending._append_alone, appending._append_briefly)

    def commit(request: Request) -> appending.Outcome:
        with app.app_context():
            return group.commit(request, records=1, size=1)

    with ThreadPoolExecutor() as senders:
        with writing() as connection:
            key = (SCOPE.project_id, record.identity)
            identities.claim(TEST, connection, {key: (NOW, 1)})
            waits = senders.submit(commit, locked)
            while group._leader is None:
                time.sleep(0.001)
            assert senders.submit(commit, free).result() == Appended(1, 0, [])
            assert not waits.done()
        assert waits.result() == Appended(0, 1, [])


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_on_postgresql_who_shares_a_commit_waits_for_no_lock_of_another(app, monkeypatch):
    """One of a group has an identity that an open transaction is about to store."""
    monkeypatch.setattr(postgresql, "LOCK_WAIT_MILLISECONDS", 60_000)
    locked, free = requests(dated("a", ids="x"), dated("b", ids="x"))
    (record,) = locked.records
    assert record.identity is not None
    held, go = threading.Event(), threading.Event()

    def alone(request: Request) -> appending.Outcome:
        if not held.is_set():
            held.set()
            assert go.wait(20)
        return appending._append_alone(request)

    group = GroupCommit(appending._append_whole, alone)

    def commit(request: Request) -> appending.Outcome:
        with app.app_context():
            return group.commit(request, records=1, size=1)

    (first,) = requests(dated("first"))
    with ThreadPoolExecutor() as senders:
        with writing() as connection:
            key = (SCOPE.project_id, record.identity)
            identities.claim(TEST, connection, {key: (NOW, 1)})
            leads = senders.submit(commit, first)
            assert held.wait(20)
            waits, goes_on = senders.submit(commit, locked), senders.submit(commit, free)
            while len(group._queue) < 2:
                time.sleep(0.001)
            go.set()
            assert goes_on.result() == leads.result() == Appended(1, 0, [])
            assert not waits.done()
        assert waits.result() == Appended(0, 1, [])
