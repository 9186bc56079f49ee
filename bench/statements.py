"""Which statement of a migration ran when clients waited."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby

import psycopg2

from bench.paced_clients import Asked

LOOK_EVERY_SECONDS = 0.05
SHOWN = 110
"""Characters of a statement."""
SERVERS = "agentlogger"
"""What the server's own sessions are called; every other one is a migration's."""

RUNNING = """
SELECT query,
       (SELECT count(*) FROM pg_stat_activity b WHERE a.pid = ANY (pg_blocking_pids(b.pid))),
       (SELECT string_agg(concat_ws(' ', c.backend_type, c.state, left(c.query, 60)), '; ')
        FROM pg_stat_activity c WHERE c.pid = ANY (pg_blocking_pids(a.pid)))
FROM pg_stat_activity a
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND application_name <> %s AND state <> 'idle'
"""


@dataclass(frozen=True)
class Moment:
    """A long wait of a client, and what ran during it."""

    second: float
    """Since the migration began."""
    wait: float
    statement: str


@dataclass(frozen=True)
class Seen:
    """A session of the migration at one moment of the monotonic clock."""

    moment: float
    statement: str
    blocked: int
    """How many sessions waited for a lock of it."""


class Watched:
    """What was seen, complete once the block has ended."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.seen: list[Seen] = []

    def beside(self, asked: Sequence[Asked], least: float) -> list[Moment]:
        """Each wait of at least so many seconds, with a statement that was seen during it."""
        return [
            Moment(one.begun - self.begun, one.seconds, self._during(one))
            for one in asked
            if one.seconds >= least
        ]

    def _during(self, one: Asked) -> str:
        begin, end = one.begun - LOOK_EVERY_SECONDS, one.begun + one.seconds
        seen = [each for each in self.seen if begin <= each.moment <= end]
        worst = max(seen, key=lambda each: each.blocked, default=None)
        who = "send" if one.sends else "read"
        if worst is None:
            return f"{who} {one.status}, no statement was seen"
        return f"{who} {one.status}, {worst.blocked} blocked: {worst.statement}"

    def longest_block(self) -> tuple[float, str]:
        """How long anybody was seen to wait for one statement's lock, and for which.

        Between two looks nothing is known: it may be longer or shorter by `LOOK_EVERY_SECONDS`.
        A processor that others use makes clients wait, and is not in this.
        """
        longest, statement = 0.0, ""
        since: dict[str, float] = {}
        last = self.begun
        for moment, group in groupby(self.seen, key=lambda each: each.moment):
            blocking = {each.statement for each in group if each.blocked}
            since = {text: since.get(text, last) for text in blocking}
            for text, began in since.items():
                if moment - began > longest:
                    longest, statement = moment - began, text
            last = moment
        return longest, statement


@contextmanager
def watching(address: str) -> Iterator[Watched]:
    """Look at the database's sessions again and again inside the block."""
    watched = Watched()
    done = threading.Event()

    def look() -> None:
        with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not done.wait(LOOK_EVERY_SECONDS):
                cursor.execute(RUNNING, (SERVERS,))
                moment = time.monotonic()
                sessions = cursor.fetchall()
                watched.seen += [
                    Seen(moment, _told(query, behind), blocked)
                    for query, blocked, behind in sessions
                ] or [Seen(moment, "", 0)]

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield watched
    finally:
        done.set()
        looking.join()


def _told(query: str, behind: str | None) -> str:
    statement = " ".join(query.split())[:SHOWN]
    return f"{statement} (behind: {behind})" if behind else statement
