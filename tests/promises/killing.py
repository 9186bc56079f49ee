"""Rounds: an upgrade is killed at a random moment, then one plain upgrade must put all right."""

from __future__ import annotations

import difflib
import itertools
import os
import random
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psycopg2
from sqlalchemy import create_engine
from sqlalchemy.engine import URL

from tests.migrations.checkout import DOORS, Checkout
from tests.migrations.schema_text import schema_text
from tests.promises.long_history import HEAD, state
from tests.promises.running import ended, on, start
from tests.promises.sessions import session

SEED = "AGENTLOGGER_TEST_SEED"
"""The environment variable that repeats a run of rounds: every failure and promise prints it."""

EARLIER = 0.8
"""What the moment of a kill that came too late is multiplied by; only those that hit count."""

REAL_SHARE = 0.2
"""Of the kills at work, those that must come between the first and the last change of the schema: a
run that spent its time elsewhere has proved little."""

BACK_SECONDS = 60

MIGRATORS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = %s"
    " AND application_name ~ '^(agentlogger-)?migrate'"
)
"""The server processes of a migration: the one that works and the one that holds the lock."""


@dataclass(frozen=True)
class Round:
    """What one round did to the database."""

    seed: str
    place: float
    """In an upgrade: 0 is its first word, 1 its end."""
    after_seconds: float
    interrupted: bool
    half_done: bool


def administering(url: URL) -> AbstractContextManager[psycopg2.extensions.cursor]:
    """A session on the server's own database, which no round clones or drops."""
    return session(url, database="postgres", autocommit=True)


class Kill:
    """A way to end a migration that is under way. Returns whether there was still one."""

    def __call__(self, process: subprocess.Popen, url: URL, chance: random.Random) -> bool:
        raise NotImplementedError

    def wait_until_possible(self, process: subprocess.Popen, url: URL) -> None:
        """Return when there is something to kill, or never will be."""

    def recovered(self, url: URL) -> None:
        """Return when the database takes connections again."""


class KillOfTheClient(Kill):
    """SIGKILL of the program that migrates."""

    def __call__(self, process: subprocess.Popen, url: URL, chance: random.Random) -> bool:  # noqa: ARG002  (the other ways need them)
        if process.poll() is not None:
            return False
        process.kill()
        return True


class KillOfABackend(Kill):
    """The end of one of the server processes that work for the migration, by signal or by SQL."""

    def __init__(self, *, sigkill: bool) -> None:
        self._sigkill = sigkill

    def __call__(self, process: subprocess.Popen, url: URL, chance: random.Random) -> bool:
        with administering(url) as cursor:
            cursor.execute(MIGRATORS, (url.database,))
            found = sorted(pid for (pid,) in cursor.fetchall())
            if process.poll() is not None or not found:
                return False
            pid = chance.choice(found)
            if not self._sigkill:
                cursor.execute("SELECT pg_terminate_backend(%s)", (pid,))
                return True
        # PostgreSQL then ends all its processes, and starts again with what is on disk.
        os.kill(pid, signal.SIGKILL)
        return True

    def wait_until_possible(self, process: subprocess.Popen, url: URL) -> None:
        with administering(url) as cursor:
            while process.poll() is None:
                cursor.execute(MIGRATORS, (url.database,))
                if cursor.fetchall():
                    return
                time.sleep(0.005)

    def recovered(self, url: URL) -> None:
        deadline = time.monotonic() + BACK_SECONDS
        while True:
            try:
                with administering(url):
                    return
            except psycopg2.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL did not come back"
                time.sleep(0.05)


class Rounds:
    """Rounds on clones of one database, by a copy of the checkout whose history is longer."""

    def __init__(self, checkout: Checkout, clone: Callable[[], URL], drop: Callable[[URL], None]):
        self._checkout = checkout
        self._clone = clone
        self._drop = drop
        self.seed = os.environ.get(SEED) or secrets.token_hex(4)
        self.late = 0
        before = clone()
        self._before = schema(before)
        self._drop(before)
        self.seconds, self._wanted = self._undisturbed()

    def _undisturbed(self) -> tuple[float, tuple[str, list[list[tuple]]]]:
        """How long a run takes once it has named its database, and what it leaves."""
        url = self._clone()
        process = start(self._checkout, "alembic", "upgrade", "head", url=url)
        began = wait_for_its_first_word(process)
        code, said = ended(process)
        seconds = time.monotonic() - began
        assert code == 0, said
        found = state(url)
        self._drop(url)
        return seconds, found

    def run(self, kills: Sequence[Kill], *, at_once: int, really: bool = True) -> list[Round]:
        """A kill for each, spread over an upgrade; the first that fails ends it, with its seed.

        `really` adds as many again at most, until enough of all came in the middle: which moments
        these are depends on what else the machine does.
        """
        count = len(kills)
        places = [place / count for place in range(count)]
        with ThreadPoolExecutor(at_once) as pool:
            found = list(pool.map(lambda *one: self._hit(*one, count), kills, places))
            while really and not is_real([done for done, _ in found]) and len(found) < 2 * count:
                middle = [done.place for done, _ in found if done.half_done]
                if not middle:
                    break
                chance = random.Random(f"{self.seed}-{len(found)}")
                near = [chance.choice(middle) + chance.random() / count for _ in range(at_once)]
                found += pool.map(lambda *one: self._hit(*one, count), kills[:at_once], near)
        self.late = sum(late for _, late in found)
        return [done for done, _ in found]

    def _hit(self, kill: Kill, place: float, count: int) -> tuple[Round, int]:
        """Rounds until one has killed something, each a bit earlier; how many came too late."""
        for late in itertools.count():
            done = self.round(kill, place * EARLIER**late, count)
            if done.interrupted:
                return done, late
        raise AssertionError

    def round(self, kill: Kill, place: float, count: int) -> Round:
        """One round, with a kill in one of `count` equal parts of an upgrade: that from `place` on.

        Fails with its seed where the plain upgrade does not put all right.
        """
        seed = f"{self.seed}-{place:.3f}"
        chance = random.Random(seed)
        doors = chance.sample(list(DOORS), 2)
        delay = (place + chance.random() / count) * self.seconds
        told = f"{SEED}={self.seed}, round {seed}: {type(kill).__name__} after {delay:.3f} s"
        url = self._clone()
        process = start(self._checkout, doors[0], "upgrade", "head", url=url)
        wait_for_its_first_word(process)
        kill.wait_until_possible(process, url)
        time.sleep(delay)
        interrupted = kill(process, url, chance)
        _, said = ended(process)
        assert "Traceback" not in said, f"{told}\n{said}"
        kill.recovered(url)
        half = schema(url)
        told += f". The schema lacked:\n{difference(half, self._wanted[0])}\n"

        code, said = ended(start(self._checkout, doors[1], "upgrade", "head", url=url))

        assert code == 0, f"{told}{said}"
        assert on(self._checkout, url).revision() == HEAD, told
        found = state(url)
        assert found[0] == self._wanted[0], f"{told}Now:\n{difference(found[0], self._wanted[0])}"
        assert found[1] == self._wanted[1], told
        self._drop(url)
        return Round(seed, place, delay, interrupted, half not in {self._before, self._wanted[0]})


def schema(url: URL) -> str:
    """The schema of a database as text."""
    engine = create_engine(url)
    try:
        return schema_text(engine)
    finally:
        engine.dispose()


def wait_for_its_first_word(process: subprocess.Popen) -> float:
    """Return the moment at which a migration has named its database: it is about to begin."""
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("Database: "), line + process.stderr.read()
    return time.monotonic()


def difference(found: str, wanted: str) -> str:
    """The lines in which a schema is not the wanted one."""
    lines = difflib.unified_diff(found.splitlines(), wanted.splitlines(), lineterm="", n=0)
    return "\n".join(lines) or "(nothing)"


def is_real(done: Sequence[Round]) -> bool:
    """Whether enough kills came in the middle to prove anything."""
    return sum(one.half_done for one in done) > len(done) * REAL_SHARE


def summary(rounds: Rounds, done: list[Round]) -> str:
    """What the rounds were, in a line."""
    half = sum(one.half_done for one in done)
    return (
        f"{len(done)} upgrades were killed at work ({SEED}={rounds.seed}), {half} of them between "
        f"the first and the last change of the schema; {rounds.late} kills came too late and are "
        "not counted. All ended where an undisturbed run ends."
    )
