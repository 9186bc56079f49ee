"""What waits together is committed together, nobody is harmed by another, and none waits for ever.

No database: what would commit is told by the test when to go on.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from agentlogger.errors import DatabaseUnavailable
from agentlogger.store import group_commit
from agentlogger.store.group_commit import GroupCommit

SECONDS = 20
"""A test that waits so long has failed."""


class Commits:
    """Commits texts: what was committed when, with whom; the first is held until it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.alone: list[str] = []
        self.held = threading.Event()
        self.go = threading.Event()
        self.faults: dict[str, BaseException] = {}
        self.group: GroupCommit[str, str] = GroupCommit(self._together, self._alone)
        self._threads = ThreadPoolExecutor(40)

    def _together(self, works: Sequence[str]) -> list[str]:
        self.groups.append(list(works))
        for work in works:
            if work in self.faults:
                raise self.faults[work]
        return [f"{work} with {len(works) - 1}" for work in works]

    def _alone(self, work: str) -> str:
        self.alone.append(work)
        if work == "held":
            self.held.set()
            assert self.go.wait(SECONDS)
        if work in self.faults:
            raise self.faults[work]
        return f"{work} alone"

    def commit(self, work: str, *, records: int = 1, size: int = 1) -> Future[str]:
        return self._threads.submit(self.group.commit, work, records=records, size=size)

    def hold(self) -> Future[str]:
        """Begin a commit that others will wait for."""
        first = self.commit("held")
        assert self.held.wait(SECONDS)
        return first

    def queue(self, *works: str, **weight: int) -> list[Future[str]]:
        """Have these wait behind the held one, in this order."""
        futures = []
        for work in works:
            before = len(self.group._queue)
            futures.append(self.commit(work, **weight))
            while len(self.group._queue) == before:
                pass
        return futures


@pytest.fixture
def commits():
    made = Commits()
    yield made
    made.go.set()
    made._threads.shutdown()


def test_one_that_is_alone_waits_for_nobody(commits):
    assert commits.group.commit("one", records=1, size=1) == "one alone"
    assert commits.group.commit("two", records=1, size=1) == "two alone"
    assert commits.groups == []


def test_what_comes_while_a_commit_runs_shares_the_next_one(commits):
    first = commits.hold()
    others = commits.queue("a", "b", "c")

    commits.go.set()

    assert first.result(SECONDS) == "held alone"
    assert [one.result(SECONDS) for one in others] == ["a with 2", "b with 2", "c with 2"]
    assert commits.groups == [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("bound", "weight"), [("GROUP_RECORDS", "records"), ("GROUP_BYTES", "size")]
)
def test_a_group_is_bounded_and_one_that_is_too_large_goes_by_itself(
    commits, monkeypatch, bound, weight
):
    monkeypatch.setattr(group_commit, bound, 10)
    commits.hold()
    small = commits.queue("a", "b", "c", **{weight: 4})
    large = commits.queue("large", **{weight: 11})

    commits.go.set()

    assert [one.result(SECONDS) for one in small] == ["a with 1", "b with 1", "c alone"]
    assert large[0].result(SECONDS) == "large alone"


def test_a_work_that_fails_harms_no_other(commits):
    commits.faults["bad"] = ValueError("it does not fit")
    commits.hold()
    good, bad, better = commits.queue("good", "bad", "better")

    commits.go.set()

    assert (good.result(SECONDS), better.result(SECONDS)) == ("good alone", "better alone")
    with pytest.raises(ValueError, match="does not fit"):
        bad.result(SECONDS)
    assert sorted(commits.alone) == ["bad", "better", "good", "held"]


def test_one_that_is_alone_and_would_wait_long_does_so_aside(commits):
    """Else what comes behind it would wait for the same lock."""
    commits.group = GroupCommit(commits._together, commits._alone, commits.faults.__getitem__)
    waits = commits.hold()

    assert commits.group._leader is None
    commits.faults["free"] = "free briefly"
    assert commits.commit("free").result(SECONDS) == "free briefly"
    assert not waits.done()
    commits.go.set()
    assert waits.result(SECONDS) == "held alone"


def test_a_leader_that_is_killed_takes_nobody_with_it(commits):
    commits.faults["leader"] = SystemExit("the thread is stopped")
    commits.hold()
    leader, follower = commits.queue("leader", "follower")

    commits.go.set()

    assert follower.result(SECONDS) == "follower alone"
    with pytest.raises(SystemExit):
        leader.result(SECONDS)
    assert commits.commit("the next").result(SECONDS) == "the next alone"


def test_a_leader_that_hangs_is_deposed(commits, monkeypatch):
    monkeypatch.setattr(group_commit, "GROUP_WAIT_SECONDS", 0.05)
    hung = commits.hold()

    with pytest.raises(DatabaseUnavailable):
        commits.commit("a follower").result(SECONDS)

    assert commits.commit("the next").result(SECONDS) == "the next alone"
    commits.go.set()
    assert hung.result(SECONDS) == "held alone"
    assert commits.commit("the last").result(SECONDS) == "the last alone"


def test_a_thread_that_is_stopped_while_it_waits_does_not_come_to_lead(commits, monkeypatch):
    class Stopped(threading.Event):
        def wait(self, _seconds: float | None = None) -> bool:
            raise KeyboardInterrupt

    commits.hold()
    with monkeypatch.context() as patch:
        patch.setattr(group_commit.threading, "Event", Stopped)
        with pytest.raises(KeyboardInterrupt):
            commits.group.commit("stopped", records=1, size=1)
    (behind,) = commits.queue("behind")

    commits.go.set()

    assert behind.result(SECONDS) == "behind alone"
    assert commits.commit("the next").result(SECONDS) == "the next alone"


def test_what_failed_together_after_its_client_has_gone_is_not_tried_again(commits, monkeypatch):
    monkeypatch.setattr(group_commit, "GROUP_RETRY_SECONDS", -1)
    commits.faults["bad"] = ValueError("it does not fit")
    commits.hold()
    good, _ = commits.queue("good", "bad")

    commits.go.set()

    with pytest.raises(DatabaseUnavailable):
        good.result(SECONDS)
    assert commits.alone == ["held"]
