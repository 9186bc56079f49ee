"""Rounds: clients send, something is killed at a random moment; afterwards, the reckoning."""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import create_engine, text

from tests.journeys.serving import Server, serving
from tests.migrations.checkout import ROOT
from tests.promises.ingesting.client import CLIENTS, LINE, RECORDS, Account, identifiers
from tests.promises.ingesting.crashing import PostgreSQL
from tests.promises.killing import SEED

MOST_SECONDS_TO_THE_KILL = 0.5
PROGRESS_SECONDS = 60
FINISH_SECONDS = 60
POLL_SECONDS = 0.02
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass
class Reckoning:
    """What was acknowledged against what is stored."""

    kills: int
    seed: str
    account: Account
    acknowledged: int
    """Records."""
    lost: list[str]
    """Records that were acknowledged and are not there."""
    twice: list[str]
    """Records that are there more than once."""
    unasked: list[str]
    """Records that are there and whose request was never acknowledged, though it was answered."""
    rows: int
    counted: int
    """Records that the receipts call stored."""

    def __str__(self) -> str:
        return (
            f"{self.kills} kills ({SEED}={self.seed}), {self.acknowledged:,} records acknowledged, "
            f"{len(self.lost)} lost, {len(self.twice)} twice. {self.account.interrupted} requests "
            f"were sent again since no answer came, of which {self.account.recognised} were stored "
            "the first time."
        )

    def require_kept(self) -> None:
        """Fail with what is wrong, where the promise was broken or hardly tried."""
        assert self.account.faults == [], f"{self} Answered: {self.account.faults}"
        assert self.lost == [], f"{self} Lost: {self.lost[:10]}"
        assert self.twice == [], f"{self} Twice: {self.twice[:10]}"
        assert self.unasked == [], f"{self} Nobody asked for: {self.unasked[:10]}"
        assert self.counted == self.rows, f"{self} Receipts count {self.counted} of {self.rows}."
        assert self.account.interrupted >= self.kills, f"{self} The kills came between requests."


class Run:
    """Client processes in a folder, from `sending()` on."""

    def __init__(self, folder: Path, kills: int, acknowledged: int) -> None:
        """Kill so often; between two kills an equal part of `acknowledged` records is sent."""
        self._folder = folder
        self._kills = kills
        self._share = max(CLIENTS, acknowledged // (kills * RECORDS))
        self._processes: list[subprocess.Popen[bytes]] = []
        self.seed = os.environ.get(SEED) or secrets.token_hex(4)
        self._chance = random.Random(self.seed)

    @contextmanager
    def _sending(self) -> Iterator[None]:
        for number in range(CLIENTS):
            command = [sys.executable, "-m", "tests.promises.ingesting.client"]
            with (self._folder / f"account-{number}").open("wb") as account:
                self._processes.append(
                    subprocess.Popen(
                        [*command, str(self._folder), str(number)],
                        cwd=ROOT,
                        stdin=subprocess.DEVNULL,
                        stdout=account,
                    )
                )
        try:
            yield
        finally:
            for process in self._processes:
                process.kill()
                process.wait()

    def kill_the_server(
        self, database_url: str, settings: Mapping[str, str] = NOTHING
    ) -> Reckoning:
        """Kill the server's whole process group at random moments, and start it again."""
        port = None
        with contextlib.ExitStack() as clients:
            for round_ in range(self._kills + 1):
                with serving(
                    database_url, self._folder / "instance", port=port, settings=settings
                ) as server:
                    port = self._publish(server)
                    if round_ == 0:
                        clients.enter_context(self._sending())
                    if round_ == self._kills:
                        self._finish()
                        break
                    self._wait_for_the_moment()
                    server.kill()
        return self._reckon(database_url)

    def kill_postgresql(
        self, postgresql: PostgreSQL, settings: Mapping[str, str] = NOTHING
    ) -> Reckoning:
        """Kill all processes of PostgreSQL at random moments; the server sees it through."""
        with serving(postgresql.url, self._folder / "instance", settings=settings) as server:
            self._publish(server)
            with self._sending():
                for _ in range(self._kills):
                    self._wait_for_the_moment()
                    postgresql.crash()
                    postgresql.start_again()
                self._finish()
        return self._reckon(postgresql.url)

    def _publish(self, server: Server) -> int:
        """Tell the clients the port, all of it at once."""
        written = self._folder / "port.new"
        written.write_text(str(server.port))
        written.rename(self._folder / "port")
        return server.port

    def _wait_for_the_moment(self) -> None:
        """Wait until all clients are served and enough was acknowledged, then a bit, by chance."""
        before = self._ledgers()
        deadline = time.monotonic() + PROGRESS_SECONDS + self._share
        while True:
            added = [now - then for now, then in zip(self._ledgers(), before, strict=True)]
            if sum(added) >= self._share and all(added):
                break
            assert time.monotonic() < deadline, f"the clients got only {added} answers"
            time.sleep(POLL_SECONDS)
        time.sleep(self._chance.uniform(0, MOST_SECONDS_TO_THE_KILL))

    def _ledgers(self) -> list[int]:
        """How many requests each client has written down as acknowledged."""
        files = [self._folder / f"ledger-{number}" for number in range(CLIENTS)]
        size = len(LINE.format(0))
        return [file.stat().st_size // size if file.exists() else 0 for file in files]

    def _finish(self) -> None:
        """Let each client send on until its last request is acknowledged."""
        (self._folder / "finish").touch()
        for process in self._processes:
            assert process.wait(FINISH_SECONDS) == 0, "a client failed"

    def _reckon(self, database_url: str) -> Reckoning:
        total = Account()
        acknowledged: set[str] = set()
        for number in range(CLIENTS):
            account = Account(**json.loads((self._folder / f"account-{number}").read_text()))
            total.acknowledged += account.acknowledged
            total.interrupted += account.interrupted
            total.recognised += account.recognised
            total.faults += account.faults
            for line in (self._folder / f"ledger-{number}").read_text().splitlines():
                acknowledged.update(identifiers(number, int(line)))
        stored, counted = _stored(database_url)
        return Reckoning(
            self._kills,
            self.seed,
            total,
            len(acknowledged),
            lost=sorted(acknowledged - stored.keys()),
            twice=sorted(name for name, times in stored.items() if times > 1),
            unasked=sorted(stored.keys() - acknowledged),
            rows=stored.total(),
            counted=counted,
        )


def _stored(database_url: str) -> tuple[Counter[str], int]:
    """How often each body is in the table of records, and how many the receipts call stored."""
    engine = create_engine(database_url, execution_options={"stream_results": True})
    try:
        with engine.connect() as connection:
            bodies = connection.execute(text("SELECT CAST(body AS text) FROM log_records"))
            found = Counter(body.strip('"') for (body,) in bodies)
            counted = connection.execute(text("SELECT sum(stored) FROM receipts")).scalar_one()
            return found, int(counted)
    finally:
        engine.dispose()
