"""Texts are indexed beside ingest, by one of the workers, which takes its rests."""

from __future__ import annotations

import time

from agentlogger.duties.leased import Turn
from agentlogger.store import text_building
from agentlogger.store.text_building import INDEXING

NAME = "text index"

EVERY_SECONDS = 1.0
"""How often it looks for something to do. A search waits for none of it."""

RESTS = 3
"""After a step it rests for so many times as long: a quarter of a processor at most, from those who
send. The index of a burst comes later, and a search looks at the burst itself until then."""


def index(turn: Turn) -> None:
    """Index what there is, until there is no more."""
    began = time.monotonic()
    for _ in text_building.steps(INDEXING, turn.lease):
        if turn.stopped.wait(RESTS * (time.monotonic() - began)):
            return
        turn.keep()
        began = time.monotonic()
