"""Works off a backfill: batch after batch, each with its cursor in one transaction.

A worker that is killed at any moment leaves whole batches behind, and the next one goes on behind
the last. A table is walked again until a pass finds nothing to write, since an older program may
have written rows behind the cursor.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from agentlogger.migrate.backfills import lease, throttle
from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.backfills.progress import FINISHED
from agentlogger.migrate.backfills.walking import Filled, Key, Walk
from agentlogger.migrate.causes import BackfillUnfinished, Busy, Failed, Unsigned, first_line
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.ledger import instances
from agentlogger.migrate.options import (
    BACKFILL_BATCH,
    BACKFILL_LOCK_TIMEOUT,
    BACKFILL_PAUSE,
    LOCK_RETRY,
    Options,
)

SESSION_NAME = "agentlogger-backfill"
"""What its sessions are called. Not as a migration's, which the next migrator would wait for."""

LOOK_EVERY_SECONDS = 1.0
"""How often replicas, transactions and the service are looked at."""

PATIENCE_SECONDS = 60.0
"""After so long a smallest batch runs all the same: a bound that is never met, such as by a service
that was slow before, makes a backfill slow and not endless."""

RATE_SECONDS = 10.0
"""What rows per second are told over."""

MOST_PASSES = 5
"""Walks of the table in one run: where each still finds rows, waiting will not help."""

LONGEST_RETRY_SECONDS = 2.0

STOPPED = "stopped"
"""Whoever started the worker wants it to end."""


@dataclass(frozen=True)
class Surroundings:
    """What a worker is told: where, as whom, and until when."""

    engine: Engine
    dialect: Dialect
    options: Options
    keys: Sequence[bytes]
    """With which definitions may be signed; () where the program has none."""
    stop: threading.Event = field(default_factory=threading.Event)
    told: Callable[[int, int | None], None] = lambda _done, _of: None
    """Called with how many rows of how many are done."""


class Worker:
    """Works off one backfill."""

    def __init__(self, surroundings: Surroundings, name: str) -> None:
        self._in = surroundings
        self._name = name
        self._owner = lease.owner()
        self._walk: Walk | None = None
        self._target = 0.0
        self._rows: int | None = None
        self._passes = 0
        self._rate: deque[tuple[float, int]] = deque()
        self._looked = 0.0
        self._waited = 0.0

    def work(self) -> str:
        """Work until it is FINISHED, or else until it is PAUSED, BUSY, GONE or STOPPED.

        Raises Failed where the database refuses a batch, Busy where a row is locked for too long,
        Unsigned, Refused where the table cannot be walked, and BackfillUnfinished where each pass
        finds rows again. All that is committed by then stays.
        """
        with self._in.engine.connect() as connection:
            self._in.dialect.bound(
                connection,
                lock_timeout=self._in.options.number(BACKFILL_LOCK_TIMEOUT),
                statement_timeout=0,
            )
            why = ""
            try:
                return self._work(connection)
            except (Failed, Busy, BackfillUnfinished, Unsigned) as refused:
                why = str(refused)
                raise
            finally:
                self._release(connection, why)

    def _release(self, connection: Connection, why: str) -> None:
        try:
            connection.rollback()
            lease.release(connection, self._name, self._owner, why)
            connection.commit()
        except DBAPIError:
            # Where it cannot be told, the lease ends by itself.
            connection.invalidate()

    def _work(self, connection: Connection) -> str:
        began, pause = time.monotonic(), 0.1
        while not self._in.stop.is_set():
            try:
                ended = self._step(connection)
            except DBAPIError as fault:
                self._recover(connection, fault, began)
                self._in.stop.wait(pause)
                pause = min(pause * 2, LONGEST_RETRY_SECONDS)
                continue
            began, pause = time.monotonic(), 0.1
            if ended:
                return ended
        return STOPPED

    def _recover(self, connection: Connection, fault: DBAPIError, began: float) -> None:
        """Go back to before the batch. Raises where another try would not help."""
        connection.rollback()
        if not self._in.dialect.is_passing(fault):
            if fault.connection_invalidated:
                raise fault
            raise Failed(
                f"The database refused a batch of the backfill {self._name} ({first_line(fault)}): "
                "the batches before it stay. Remove the cause, then go on with `flask db backfill "
                f"run {self._name}`; where its SQL is wrong, take its revision back."
            ) from fault
        self._rows = throttle.LEAST_ROWS
        self._tell(connection, f"a row was not to be had ({first_line(fault)})")
        patience = self._in.options.number(LOCK_RETRY)
        if time.monotonic() - began > patience:
            raise Busy(
                f"The backfill {self._name} did not get a row in {patience:.0f} s "
                f"({first_line(fault)}): end the long transaction that holds it (`flask db status` "
                f"names it), then go on with `flask db backfill run {self._name}`."
            ) from fault

    def _step(self, connection: Connection) -> str:
        """Wait, or do a batch; return why there is nothing more to do, if so."""
        reason = self._reason(connection)
        if reason and self._waited < PATIENCE_SECONDS:
            ended = self._tell(connection, reason)
            self._waited += LOOK_EVERY_SECONDS
            self._looked = 0.0
            self._in.stop.wait(LOOK_EVERY_SECONDS)
            return ended
        if reason:
            self._rows = throttle.LEAST_ROWS
        self._waited = 0.0
        began = time.monotonic()
        with connection.begin():
            held = lease.hold(connection, self._name, self._owner)
            if held.ended:
                return held.ended
            filled, ended = self._batch(connection, held.row)
        if self._passes >= MOST_PASSES and not ended:
            # What it has done is committed first.
            raise BackfillUnfinished(
                f"The table of the backfill {self._name} was walked {self._passes} times, and each "
                "time rows were found that need it: an older program still writes them. Once it is "
                f"gone, finish with `flask db backfill run {self._name}`."
            )
        self._adapt(time.monotonic() - began, filled)
        return ended

    def _tell(self, connection: Connection, reason: str) -> str:
        """Write why it does not go on; return why it must not, if so."""
        try:
            with connection.begin():
                held = lease.hold(connection, self._name, self._owner)
                if not held.ended:
                    told = {"waiting_for": reason, "rows_per_second": 0.0}
                    lease.keep(connection, self._name, self._owner, **told)
                return held.ended
        except DBAPIError as fault:
            # It is the row of the backfill itself that somebody else has for a moment.
            if not self._in.dialect.is_passing(fault):
                raise
            return ""

    def _reason(self, connection: Connection) -> str:
        """Why no batch should run now, looked at every second."""
        if time.monotonic() - self._looked < LOOK_EVERY_SECONDS:
            return ""
        self._looked = time.monotonic()
        with connection.begin():
            load = self._in.dialect.load(connection)
            known = [one.p99_ms for one in instances.alive(connection) if one.p99_ms is not None]
        load = throttle.Load(
            lag_seconds=load.lag_seconds,
            transaction_seconds=load.transaction_seconds,
            transaction=load.transaction,
            p99_ms=max(known, default=None),
        )
        return throttle.reason_to_wait(load, throttle.bounds_of(self._in.options))

    def _batch(self, connection: Connection, row: Any) -> tuple[Filled, str]:
        """One batch, with its cursor, in the transaction that is open."""
        walk = self._walk or self._begin(connection, row)
        end = _key(row.pass_end) or walk.end(connection)
        passes = row.passes or 0
        if end is None:
            filled = Filled(0, 0, None)
        else:
            asked = self._rows or row.batch_rows or throttle.FIRST_ROWS
            filled = walk.fill(connection, _key(row.cursor), end, asked, again=passes > 0)
            self._rows = asked
        is_last = filled.last is None or filled.last == end or filled.walked < (self._rows or 0)
        in_pass = (row.written_in_pass or 0) + filled.written
        told: dict[str, Any] = {
            "cursor": json.dumps(filled.last),
            "pass_end": json.dumps(end),
            "rows_done": row.rows_done + (0 if passes else filled.walked),
            "rows_written": (row.rows_written or 0) + filled.written,
            "written_in_pass": in_pass,
            "batch_rows": self._rows,
            "rows_per_second": self._per_second(filled.walked),
            "waiting_for": "",
        }
        ended = ""
        if is_last:
            told |= {"cursor": None, "pass_end": None, "written_in_pass": 0, "passes": passes + 1}
            self._passes += 1
            # Without a condition there is nothing to find rows by that came later.
            if row.where_sql is None or not in_pass:
                ended = told["state"] = FINISHED
        lease.keep(connection, self._name, self._owner, **told)
        self._in.told(told["rows_done"], row.rows_expected)
        return filled, ended

    def _begin(self, connection: Connection, row: Any) -> Walk:
        definition = Definition.trusted(row, self._in.keys)
        self._walk = self._in.dialect.make_walk(connection, definition)
        own = definition.batch_seconds
        self._target = self._in.options.number(BACKFILL_BATCH) if own is None else own
        return self._walk

    def _adapt(self, seconds: float, filled: Filled) -> None:
        """Set the size of the next batch, and leave the database to others for a while."""
        if filled.walked >= (self._rows or 0):
            self._rows = throttle.next_rows(filled.walked, seconds, self._target)
        # Who only reads keeps nobody waiting.
        pause = self._in.options.number(BACKFILL_PAUSE) if filled.written else 0.0
        self._in.stop.wait(throttle.pause_after(seconds, pause))

    def _per_second(self, walked: int) -> float | None:
        now = time.monotonic()
        self._rate.append((now, walked))
        while now - self._rate[0][0] > RATE_SECONDS:
            self._rate.popleft()
        since = now - self._rate[0][0]
        # The first of them says only when the others began.
        rows = sum(rows for _, rows in list(self._rate)[1:])
        return round(rows / since, 1) if since else None


def _key(kept: str | None) -> Key | None:
    told = None if kept is None else json.loads(kept)
    return None if told is None else tuple(told)
