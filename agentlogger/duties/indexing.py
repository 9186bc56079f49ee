"""Texts are indexed beside ingest, by one of the workers, which gives way to those who send."""

from __future__ import annotations

from agentlogger.duties.leased import Turn
from agentlogger.duties.pacing import Pace
from agentlogger.store.texts import building as text_building
from agentlogger.store.texts.building import INDEXING

NAME = "text index"

EVERY_SECONDS = 1.0
"""How often it looks for something to do. A search waits for none of it."""


def index(turn: Turn) -> None:
    """Index what there is, until there is no more.

    The index of a burst comes later, and a search looks at the burst itself until then.
    """
    pace = Pace(turn.stopped.wait)
    for _ in text_building.steps(INDEXING, turn.lease):
        if pace.rest():
            return
        turn.keep()
