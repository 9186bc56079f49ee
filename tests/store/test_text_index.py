"""The index of texts says where to look, follows what changes, and forgets what is scrubbed."""

from __future__ import annotations

import time

import orjson
import pytest
from sqlalchemy import delete, func, select, update

from agentlogger.intake import batches
from agentlogger.models.database import db, table_of
from agentlogger.models.logs import LogRecord
from agentlogger.query.narrowing import narrowing
from agentlogger.query.parsing import read
from agentlogger.store import appending, leases, logs, scrubbing
from agentlogger.store.connections import reading, reading_one_moment, writing
from agentlogger.store.leases import LeaseLost
from agentlogger.store.logs import LogFilter, Position
from agentlogger.store.projects import DEFAULT
from agentlogger.store.texts import building as text_building
from agentlogger.store.texts import candidates as text_candidates
from agentlogger.store.texts import index as text_index
from agentlogger.store.texts import window_bits
from agentlogger.store.texts.candidates import Keys, Part, Scan, Stretch
from agentlogger.store.texts.index import PROJECTS, SEGMENTS, SLICES, STATE, WINDOWS
from tests.store import building
from tests.store.building import TEST

NOW = time.time_ns()
SCOPE = DEFAULT


@pytest.fixture(autouse=True)
def inside(app, monkeypatch):
    """Every test here is inside the application, and a record makes a window, two a segment."""
    building.small(monkeypatch)
    monkeypatch.setattr(text_candidates, "DENSE", 0)
    with app.app_context():
        yield


def store(*bodies: str, back_ns: int = 0) -> None:
    lines = [{"body": body, "ts_ns": NOW - back_ns + place} for place, body in enumerate(bodies)]
    records = batches.from_native(orjson.dumps(lines), NOW, lines=False).records
    assert appending.append(SCOPE, records).stored == len(bodies)


def found(query: str) -> list[str]:
    rows = logs.page(SCOPE, LogFilter(query=read(query).tree), after=None, limit=100)
    return [row["body"] for row in rows]


def parts_of(query: str, *, newest_first: bool = True) -> list[Part] | None:
    """What a search looks at, part by part; None without an index."""
    asked = narrowing(read(query).tree)
    assert asked is not None
    with reading_one_moment() as connection:
        stretch = Stretch(0, 2**63 - 1, None, newest_first)
        parts = text_candidates.parts(SCOPE, connection, asked, stretch)
        return None if parts is None else list(parts)


def looked_at(query: str) -> int | None:
    """How many records a search looks at; None without an index."""
    parts = parts_of(query)
    if parts is None:
        return None
    return sum(len(part.keys) if isinstance(part, Keys) else 1_000 for part in parts)


def listed(query: str, *, newest_first: bool, limit: int) -> list[str]:
    """What a search finds page by page."""
    wanted = LogFilter(query=read(query).tree)
    bodies: list[str] = []
    after = None
    while True:
        rows = logs.page(SCOPE, wanted, after=after, limit=limit, newest_first=newest_first)
        bodies += [row["body"] for row in rows]
        if len(rows) < limit:
            return bodies
        after = Position(rows[-1]["ts_ns"], rows[-1]["id"])


def rows_in(table) -> int:
    with reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_word_is_looked_for_where_it_may_be_at_each_stage():
    store(*(f"number {name}" for name in ("alpha", "bravo", "charlie", "delta", "echo")))
    assert looked_at("charlie") is None
    building.everything()

    assert rows_in(SEGMENTS) == 2
    assert looked_at("charlie") == looked_at("echo") == looked_at("CHARLIE") == 1
    assert looked_at("nowhere") == 0
    assert found("harli") == ["number charlie"]
    assert found("alpha OR echo") == ["number echo", "number alpha"]
    assert found("number -alpha -bravo -echo") == ["number delta", "number charlie"]

    # A late record, and others: one waits, one is announced.
    store("late foxtrot", back_ns=10**9)
    building.what_is_announced()
    store("new foxtrot")
    assert found("foxtrot") == ["new foxtrot", "late foxtrot"]
    assert looked_at("nowhere") == 2
    lag = text_index.lag(TEST)
    assert (lag.announced, lag.waiting, lag.unwalked) == (1, 1, 0)
    building.everything()
    assert looked_at("foxtrot") == 2
    assert looked_at("nowhere") == 0


def test_only_what_a_record_must_have_narrows():
    for query in ("-alpha", "ab", "tool:x OR alpha", "level:error", "session:alpha alpha", ""):
        assert narrowing(read(query).tree) is None, query
    assert narrowing(read("alpha OR (bravo -charlie)").tree) is not None


def test_what_is_scrubbed_is_forgotten_and_its_new_text_found():
    store("password hunter2", "other alpha", "other bravo")
    building.everything()
    assert (rows_in(SEGMENTS), looked_at("hunter2")) == (1, 1)

    def redact(row):
        secret = "hunter2" in str(row["body"])
        return ({"body": "password [redacted]"}, {"rule": 1}) if secret else ({}, {})

    scrubbing.scrub(SCOPE, None, redact, received_to_ns=2**62, dry_run=False)

    assert rows_in(SEGMENTS) == rows_in(SLICES) == 0
    assert found("redacted") == ["password [redacted]"]
    building.everything()
    assert looked_at("hunter2") == 0
    assert looked_at("redacted") == 1
    assert found("alpha") == ["other alpha"]


def test_what_was_read_before_a_scrub_is_not_written(monkeypatch):
    store("password hunter2")
    building.everything()
    store("password hunter2")
    building.what_is_announced()
    still = text_index.still

    def scrubbed_meanwhile(scope, connection, changes):
        monkeypatch.setattr(text_index, "still", still)
        connection.execute(update(PROJECTS).values(changes=PROJECTS.c.changes + 1))
        return still(scope, connection, changes)

    monkeypatch.setattr(text_index, "still", scrubbed_meanwhile)
    assert text_building.build(SCOPE, building.lease())

    with reading() as connection:
        waiting = select(func.count()).where(
            WINDOWS.c.bits.is_(None), WINDOWS.c.segment_id.is_(None)
        )
        assert connection.execute(waiting).scalar_one() == 1


def test_a_step_that_is_not_finished_has_not_been(monkeypatch):
    store("alpha", "bravo", "charlie", "delta")
    steps = iter(text_building.steps(TEST, building.lease()))
    hold, killed = leases.hold, []

    def kill(scope, connection, lease):
        hold(scope, connection, lease)
        if len(killed) % 2 == 0:
            killed.append(True)
            connection.execute(delete(WINDOWS))
            raise RuntimeError("killed")
        killed.append(False)

    monkeypatch.setattr(leases, "hold", kill)
    for _ in range(60):
        try:
            next(steps)
        except (RuntimeError, StopIteration):
            steps = iter(text_building.steps(TEST, building.lease()))
        assert found("charlie") == ["charlie"]

    assert rows_in(SEGMENTS) == 2
    assert killed.count(True) > 3
    assert looked_at("charlie") == 1


def test_a_worker_that_has_lost_its_turn_writes_nothing():
    store("alpha")
    lost = building.lease()
    leases.release(TEST, lost)
    leases.take_or_renew(TEST, "text index", holder="another", seconds=3600.0)

    with pytest.raises(LeaseLost):
        list(text_building.steps(TEST, lost))
    assert rows_in(STATE) == rows_in(WINDOWS) == 0


@pytest.mark.parametrize("how", [{"version": 0}, {"position": "1.1.1"}])
def test_an_index_of_another_time_begins_anew(how):
    store("alpha", "bravo", "charlie")
    building.everything()
    with writing() as connection:
        connection.execute(update(STATE).values(**how))
    assert looked_at("alpha") is None
    assert found("alpha") == ["alpha"]
    building.everything()
    assert looked_at("alpha") == 1
    assert rows_in(WINDOWS) == 3


def test_stretches_that_may_have_it_in_most_records_are_read_in_order(monkeypatch):
    monkeypatch.setattr(text_candidates, "KEYS_FIRST", 2)
    monkeypatch.setattr(window_bits, "WINDOWS", 2)
    kept = [place % 8 == 0 or 12 <= place < 30 for place in range(64)]
    bodies = [f"{'common' if one else 'other'} {place}" for place, one in enumerate(kept)]
    store(*bodies)
    building.everything()
    store("common late", back_ns=10**9)
    store("common new", back_ns=-100)
    building.what_is_announced()
    common = ["common late", *(body for body in bodies if "common" in body), "common new"]

    for dense in (0, 1.5, 2.5):
        monkeypatch.setattr(text_candidates, "DENSE", dense)
        for newest_first in (True, False):
            kinds = {type(part) for part in parts_of("common", newest_first=newest_first)}
            assert kinds == ({Keys, Scan} if dense else {Keys})
            in_order = common[::-1] if newest_first else common
            for limit in (100, 7):
                assert listed("common", newest_first=newest_first, limit=limit) == in_order


def test_of_few_records_all_are_read_without_the_index(monkeypatch):
    monkeypatch.setattr(text_building, "SEGMENT_WINDOWS", 64)
    monkeypatch.setattr(text_candidates, "FEW", 3)
    store("alpha", "bravo", "charlie")
    building.everything()

    assert looked_at("alpha") is None
    assert found("alpha") == ["alpha"]
    store("delta", back_ns=10**9)
    building.everything()
    assert looked_at("alpha") == 1


def test_few_records_of_which_most_may_have_it_are_read_at_once(monkeypatch):
    monkeypatch.setattr(text_building, "SEGMENT_WINDOWS", 64)
    monkeypatch.setattr(text_candidates, "DENSE", 2)
    store("seldom", "common 1", "common 2", "common 3")
    building.everything()

    assert parts_of("common") is None
    assert found("common") == ["common 3", "common 2", "common 1"]
    assert looked_at("seldom") == 1


def test_deleted_records_are_found_no_more():
    store("alpha", "bravo")
    building.everything()
    with db.engine.begin() as connection:
        connection.execute(delete(table_of(LogRecord)))

    assert found("alpha") == []
