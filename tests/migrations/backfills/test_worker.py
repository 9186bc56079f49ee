"""A worker fills a table in batches: once each row, and all of them, whatever stops it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa

from agentlogger.migrate.backfills import worker as working
from agentlogger.migrate.backfills.lease import BUSY, GONE
from agentlogger.migrate.backfills.progress import FINISHED, PAUSED
from agentlogger.migrate.backfills.worker import STOPPED
from agentlogger.migrate.causes import BackfillUnfinished, Busy, Failed, Unsigned
from agentlogger.migrate.ledger import instances
from tests.migrations.backfills.filling import TIMES, Interrupting, once_at

PARTED = (
    """
    CREATE TABLE events (stray smallint NOT NULL, day date NOT NULL, id uuid NOT NULL, label text,
      CONSTRAINT pk_events PRIMARY KEY (day, id, stray)) PARTITION BY RANGE (stray, day)
    """,
    """
    CREATE TABLE events_1 PARTITION OF events
      FOR VALUES FROM (0, '2026-01-01') TO (0, '2026-01-02')
    """,
    """
    CREATE TABLE events_2 PARTITION OF events
      FOR VALUES FROM (0, '2026-01-02') TO (0, '2026-01-05')
    """,
    """
    CREATE TABLE events_s PARTITION OF events
      FOR VALUES FROM (1, MINVALUE) TO (2, MINVALUE)
    """,
    """
    INSERT INTO events SELECT i % 2, date '2026-01-01' + i % 4, gen_random_uuid()
      FROM generate_series(1, 1500) AS i
    """,
)

LABEL = "'100% ' || to_char(day, 'HH24:MI:SS') || ' :x'"


@pytest.fixture
def counted(filling):
    """People of whom each is to be counted once: a row that is done twice shows."""
    filling.register_times()
    return filling


def small_batches(project) -> None:
    project.change(batch_rows=100)


def test_every_row_is_filled_and_a_last_pass_finds_nothing(filling):
    filling.register()
    told = []

    assert filling.worker(told=lambda done, of: told.append((done, of))).work() == FINISHED

    one = filling.one()
    assert filling.wrong() == 0
    assert (one.rows_done, one.rows_written, one.passes) == (2_000, 2_000, 2)
    assert told[0] == (1_000, 2_000)


@pytest.mark.parametrize("written", ["UPDATE people", "UPDATE migration_backfills"])
def test_a_worker_that_is_interrupted_in_the_middle_of_a_batch_does_no_row_twice(counted, written):
    small_batches(counted)
    left = [3]

    def interrupt(*given):
        if given[2].startswith(written):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

    stopped = counted.worker(TIMES)
    sa.event.listen(stopped._in.engine, "after_cursor_execute", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stopped.work()
    done = counted.times()

    # What the first two batches did stays, the third left nothing.
    one = counted.one()
    assert one.rows_done == done[1]
    assert 0 < done[1] < 2_000
    assert (one.state, one.waiting_for) == ("pending", "nobody works on it")
    assert counted.worker(TIMES).work() == FINISHED
    assert counted.times() == {1: 2_000}


def test_without_a_condition_rows_that_come_later_are_left_as_they_are(counted):
    small_batches(counted)
    counted.worker(TIMES, stop=Interrupting(2)).work()
    counted.run("INSERT INTO people (id) VALUES (999999)")

    assert counted.worker(TIMES).work() == FINISHED

    assert counted.times() == {1: 2_000, 0: 1}


def test_rows_that_an_older_program_writes_behind_the_cursor_are_found(filling):
    filling.register()
    small_batches(filling)
    assert filling.worker(stop=Interrupting(3)).work() == STOPPED
    filling.run("INSERT INTO people VALUES (-5, 'older', 'program')")

    assert filling.worker().work() == FINISHED

    assert filling.wrong() == 0


def test_rows_whose_value_is_nothing_are_not_found_for_ever(filling):
    filling.run("UPDATE people SET first_name = NULL WHERE id % 2 = 0")
    filling.register()

    assert filling.worker().work() == FINISHED

    assert filling.rows("SELECT count(*) FROM people WHERE full_name IS NULL") == [1_000]


def test_a_table_in_which_rows_are_found_in_every_pass_is_not_called_finished(filling, monkeypatch):
    monkeypatch.setattr(working, "MOST_PASSES", 2)
    filling.register()
    more = iter(range(-100, 0))

    def older_program(*_told):
        filling.run(f"INSERT INTO people VALUES ({next(more)}, 'older', 'program')")  # noqa: S608  (a test's)

    with pytest.raises(BackfillUnfinished, match="an older program still writes them"):
        filling.worker(told=older_program).work()

    one = filling.one()
    assert one.state == "pending"
    assert "older program" in one.waiting_for
    assert filling.worker().work() == FINISHED
    assert filling.wrong() == 0


def test_a_partitioned_table_is_walked_by_its_whole_key(filling):
    filling.run(*PARTED)
    filling.register(
        "events", 1_500, set={"label": LABEL}, where="label IS NULL AND stray::int < 2"
    )
    filling.change(batch_rows=130)

    assert filling.worker("events_label").work() == FINISHED

    label = "SELECT label, count(*) FROM events GROUP BY label"
    assert filling.rows(label) == [("100% 00:00:00 :x", 1_500)]


def test_a_table_is_walked_by_text_and_by_other_columns_too(filling):
    filling.run(
        "ALTER TABLE people ADD code varchar NOT NULL DEFAULT ''",
        "UPDATE people SET code = (id % 7) || ' it''s \\\\ ' || id",
        "CREATE INDEX ix_people_code ON people (code, id)",
    )
    filling.register(key=["code"])
    small_batches(filling)

    assert filling.worker().work() == FINISHED

    assert filling.wrong() == 0


def test_each_batch_goes_by_an_index_even_where_the_table_was_never_analysed(filling):
    filling.register()
    plans = []

    def explain(*given):
        connection, _, statement = given[:3]
        if "FROM people" in statement or statement.startswith("UPDATE people"):
            plan = connection.connection.cursor()
            plan.execute(f"EXPLAIN {statement}")
            plans.append("\n".join(row[0] for row in plan.fetchall()))

    one = filling.worker()
    sa.event.listen(one._in.engine, "before_cursor_execute", explain)
    one.work()

    assert plans
    assert [plan for plan in plans if "Seq Scan" in plan] == []


def test_a_second_worker_leaves_a_backfill_to_the_first(filling):
    filling.register()
    small_batches(filling)
    calls, answers = [], []

    def meanwhile(*_told):
        calls.append(1)
        if len(calls) == 2:  # The first batch is committed, and with it the lease.
            answers.append(filling.worker().work())

    assert filling.worker(told=meanwhile).work() == FINISHED
    assert (answers, filling.wrong()) == ([BUSY], 0)


def test_two_workers_at_the_same_time_do_each_row_once(counted):
    small_batches(counted)
    ended = []

    def work():
        while (answer := counted.worker(TIMES).work()) == BUSY:
            threading.Event().wait(0.05)
        ended.append(answer)

    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)

    assert ended == [FINISHED, FINISHED]
    assert counted.times() == {1: 2_000}


@pytest.mark.parametrize("owner", ["{host}:{dead}:0:x", "elsewhere:1:0:x"])
def test_a_backfill_of_a_worker_that_has_died_is_taken_over(filling, owner):
    filling.register()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    until = time.time_ns() + (10**12 if "dead" in owner else -1)
    named = owner.format(host=socket.gethostname(), dead=ended.pid)
    filling.change(state="running", lease_owner=named, lease_until_ns=until)

    assert filling.worker().work() == FINISHED


def test_a_backfill_that_is_paused_stops_after_the_batch_that_it_is_in(filling):
    filling.register()
    small_batches(filling)
    pausing = once_at(4, lambda: filling.change(state="paused"))

    assert filling.worker(stop=Interrupting(100, pausing)).work() == PAUSED

    one = filling.one()
    assert one.state == "paused"
    assert 0 < one.rows_done < 2_000
    assert filling.worker().work() == PAUSED
    assert filling.one().rows_done == one.rows_done


def test_a_backfill_whose_revision_is_taken_back_meanwhile_ends(filling):
    filling.register()
    small_batches(filling)

    downgrading = once_at(4, lambda: filling.run("DELETE FROM migration_backfills"))

    assert filling.worker(stop=Interrupting(100, downgrading)).work() == GONE


def test_what_the_database_refuses_is_told_and_kept_and_can_be_gone_on_from(filling):
    filling.run("ALTER TABLE people ALTER last_name TYPE varchar(20)")
    filling.register()
    filling.run("ALTER TABLE people ADD CHECK (full_name <> 'first last1500')")
    small_batches(filling)

    with pytest.raises(Failed, match=r"violates check constraint.*`flask db backfill run"):
        filling.worker().work()

    one = filling.one()
    assert "violates check constraint" in one.waiting_for
    assert 0 < one.rows_done <= 1_500
    filling.run("UPDATE people SET first_name = 'other' WHERE id = 1500")
    assert filling.worker().work() == FINISHED
    assert filling.wrong() == 0


def test_a_batch_gives_way_to_who_has_locked_a_row_and_is_tried_again(filling):
    filling.register()
    holder = filling.engine.connect()
    holder.execute(sa.text("SELECT FROM people WHERE id = 50 FOR UPDATE"))
    tries, told = [], []

    def note(_context):
        tries.append(1)
        if len(tries) == 2:
            told.append(filling.one().waiting_for)
            holder.rollback()

    one = filling.worker(x=["backfill-lock-timeout=20ms"])
    sa.event.listen(one._in.engine, "handle_error", note)

    assert one.work() == FINISHED
    holder.close()
    assert (len(tries), filling.wrong()) == (2, 0)
    assert "lock timeout" in told[0]


def test_a_row_that_stays_locked_is_given_up_and_named(filling):
    filling.register()
    with filling.engine.connect() as holder:
        holder.execute(sa.text("SELECT FROM people WHERE id = 700 FOR UPDATE"))

        with pytest.raises(Busy, match="end the long transaction that holds it"):
            filling.worker(x=["backfill-lock-timeout=20ms", "lock-retry=0"]).work()


def test_sql_that_this_program_has_not_registered_is_not_executed(filling):
    filling.register()
    filling.change(set_sql='[["full_name", "version()"]]')

    with pytest.raises(Unsigned, match="flask db backfill resume"):
        filling.worker().work()

    assert filling.rows("SELECT count(full_name) FROM people") == [0]


def test_a_worker_waits_while_the_service_is_slow_and_says_why(filling, monkeypatch):
    monkeypatch.setattr(working, "LOOK_EVERY_SECONDS", 0.01)
    filling.register()
    with filling.engine.begin() as connection:
        instances.beat(connection, "1.0", ("bbb222",), 900.0)
    seen = []

    def look():
        seen.append(filling.one().waiting_for)

    assert filling.worker(stop=Interrupting(2, look)).work() == STOPPED
    assert seen[1] == "the service's own p99 is 900 ms (bound 500 ms)"
    assert filling.rows("SELECT count(full_name) FROM people") == [0]


def test_a_bound_that_is_never_met_makes_a_backfill_slow_and_not_endless(filling, monkeypatch):
    monkeypatch.setattr(working, "PATIENCE_SECONDS", 0.0)
    filling.register()
    with filling.engine.begin() as connection:
        instances.beat(connection, "1.0", ("bbb222",), 900.0)

    assert filling.worker(stop=Interrupting(1)).work() == STOPPED

    assert filling.one().rows_done == 100


def test_a_long_transaction_that_keeps_dead_rows_is_waited_for(filling):
    filling.register()
    with filling.engine.connect() as idle, filling.engine.connect() as reader:
        idle.execute(sa.text("SELECT 1"))
        load = filling.load()
        assert load.transaction_seconds is None
        reader.execution_options(isolation_level="REPEATABLE READ")
        reader.execute(sa.text("SELECT count(*) FROM people"))

        load = filling.load()

    assert load.transaction_seconds is not None
    assert load.transaction.startswith("process ")
    assert load.lag_seconds is None
