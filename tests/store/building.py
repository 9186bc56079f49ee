"""The index of texts as its one worker builds it, step by step, where a test wants it."""

from __future__ import annotations

import pytest

from agentlogger.store import leases
from agentlogger.store.leases import Taken
from agentlogger.store.scope import OperatorScope
from agentlogger.store.texts import building as text_building
from agentlogger.store.texts import candidates as text_candidates
from agentlogger.store.texts import drafts as text_drafts

TEST = OperatorScope("a test indexes texts")


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one record make a window, two windows a segment, and few be looked for in the index."""
    monkeypatch.setattr(text_candidates, "FEW", -1)
    monkeypatch.setattr(text_drafts, "WINDOW_RECORDS", 1)
    monkeypatch.setattr(text_building, "SEGMENT_WINDOWS", 2)


def lease() -> Taken:
    taken = leases.take_or_renew(TEST, "text index", holder="a test", seconds=3600.0)
    assert taken is not None
    return taken


def everything() -> None:
    """Take every step that there is."""
    for _ in text_building.steps(TEST, lease()):
        pass


def what_is_announced() -> None:
    """Have what is announced wait."""
    while text_building.gather(TEST, lease()):
        pass
