"""Readers at several positions read on together: each passes each record once, in any order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from agentlogger.store import convoys, positions
from agentlogger.store.arrivals import Arrival
from agentlogger.store.convoys import Convoy, Run
from agentlogger.store.key_lists import Key
from agentlogger.store.positions import Position

PROJECT = 7
KEYS_MOST = 4


@dataclass
class History:
    """Transactions as PostgreSQL has them: numbered as they begin, seen as they commit."""

    drawn: random.Random
    number: int = 1
    open: set[int] = field(default_factory=set)
    committed: dict[int, list[Key]] = field(default_factory=dict)

    def go_on(self) -> None:
        """Begin a transaction, or commit one of those that are open."""
        if self.open and self.drawn.random() < 0.5:
            ended = self.drawn.choice(sorted(self.open))
            self.open.remove(ended)
            records = self.drawn.randint(1, KEYS_MOST)
            self.committed[ended] = [(ended, record) for record in range(records)]
        else:
            self.open.add(self.number)
            self.number += 1

    def now(self) -> Position:
        return Position(1, 0, self.number, tuple(sorted(self.open)))

    def unseen(self, position: Position, now: Position) -> list[Arrival]:
        return [
            Arrival(PROJECT, keys, len(keys), now, number)
            for number, keys in sorted(self.committed.items())
            if position.is_unseen(number)
        ]


def read_on(history: History, places: Sequence[Position]) -> tuple[list[Position], list[list[Key]]]:
    """Where readers stand behind a part of what there is, or all of it; what each has passed."""
    now = history.now()
    there = history.unseen(convoys.start(places), now)
    some = there[: history.drawn.randint(0, len(there))]
    convoy = Convoy(places, now)
    passed: list[list[Key]] = [[] for _ in places]
    rest = [Run(one, convoy.begin(one), len(one.keys)) for one in some]
    while rest and history.drawn.random() < 0.9:
        batch, rest = convoys.cut(rest, history.drawn.randint(1, 2 * KEYS_MOST))
        for run in batch:
            for one in convoy.passing(run, set(run.keys)):
                for reader in one.readers:
                    passed[reader].append(one.key)
    if len(some) == len(there) and not rest:
        return [now for _ in places], passed
    behind = convoy.positions()
    return [behind[place] for place in range(len(places))], passed


def test_whoever_comes_when_passes_each_record_once_however_transactions_commit():
    for seed in range(100):
        for due, shown in told(History(random.Random(seed))):
            assert sorted(shown) == sorted(due), seed


def told(history: History) -> list[tuple[set[Key], list[Key]]]:
    """For each of several readers: what came after it did, and what it has passed in the end."""
    places: list[Position] = []
    known: list[set[Key]] = []
    shown: list[list[Key]] = []

    def go_on() -> None:
        behind, passed = read_on(history, places)
        places[:] = [positions.parse(one.text()) or one for one in behind]
        for own, more in zip(shown, passed, strict=True):
            own.extend(more)

    for _ in range(60):
        history.go_on()
        if history.drawn.random() < 0.15:
            places.append(history.now())
            known.append({key for keys in history.committed.values() for key in keys})
            shown.append([])
        if places and history.drawn.random() < 0.3:
            go_on()
    while places and any(one != history.now() for one in places):
        go_on()
    everything = {key for keys in history.committed.values() for key in keys}
    return [(everything - before, own) for before, own in zip(known, shown, strict=True)]


def test_who_is_passed_by_stands_where_the_others_do():
    now = Position(1, 0, 9, (5,))
    convoy = Convoy([Position(1, 0, 2), Position(1, 0, 4, (3,)), Position(1, 0, 7)], now)
    for number in (2, 3, 4):
        arrival = Arrival(PROJECT, [(number, 0)], 1, now, number)
        assert list(convoy.passing(Run(arrival, 0, 1), ())) == []

    first, second, third = (convoy.positions()[place] for place in range(3))
    assert first == second == Position(1, 0, 5)
    assert third == Position(1, 0, 7)
