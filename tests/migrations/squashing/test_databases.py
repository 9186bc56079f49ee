"""Databases of an older program after a squash: each goes on, or is told where to go first."""

from __future__ import annotations

import json
import time

import pytest
import sqlalchemy as sa

from agentlogger.migrate.causes import Differs, SquashedAway, Unknown, WouldLose
from tests.migrations.squashing.histories import REPLACED, Stage

LAST = REPLACED[-1]
MIDDLE = REPLACED[2]

BEAT = sa.text(
    "INSERT INTO migration_instances (instance, version, heads, host, pid, started_ns, seen_ns)"
    " VALUES ('older', '1.0', :heads, :host, 1, :now, :now)"
)
"""What a program elsewhere says of itself every few seconds."""


def test_the_base_makes_what_the_replaced_made_on_an_empty_database(stage: Stage):
    stage.old.upgrade("ggg777")
    made = stage.catalogue()
    stage.old.downgrade("base")
    assert stage.catalogue() == {}

    stage.new.upgrade()

    assert stage.catalogue() == made
    assert stage.new.rows("SELECT handle FROM members") == ["ann"]
    assert stage.new.rows("SELECT name FROM teams ORDER BY id") == [
        "first: 50% \\ it's",
        "second",
    ]


def test_a_counter_goes_on_behind_the_rows_of_the_base(stage: Stage):
    stage.new.upgrade()

    stage.new.run("INSERT INTO teams (name, size) VALUES ('third', 'small')")

    assert stage.new.rows("SELECT id FROM teams WHERE name = 'third'") == [3]


def test_a_database_beyond_the_squash_notices_nothing(stage: Stage):
    stage.old.upgrade("ggg777")

    done = stage.new.door("flask", "upgrade", "head")

    assert done.code == 0, done.err
    assert stage.new.heads() == "ggg777"
    assert stage.verdict(stage.new).acceptable
    verified = stage.new.door("flask", "verify")
    assert (verified.code, "2 files are as sealed" in verified.out) == (0, True), verified.err


def test_an_edit_of_what_follows_is_found_although_the_squash_has_changed_it_too(stage: Stage):
    stage.old.upgrade("ggg777")
    follower = stage.new.versions / "ggg777.py"
    follower.write_text(follower.read_text().replace("city", "town"))

    done = stage.new.door("flask", "upgrade")

    assert (done.code, "ggg777" in done.err) == (14, True), done.err


def test_a_database_at_the_last_replaced_is_read_as_at_the_base(stage: Stage, door):
    stage.old.upgrade(LAST)

    current = stage.new.door(door.removesuffix(" db"), "current")

    assert current.code == 0, current.err
    assert current.out.strip() == stage.base
    assert stage.new.heads() == LAST
    status = json.loads(stage.new.door("flask", "status", "--json").out)
    assert status["revision"] == [stage.base]
    assert [one["revision"] for one in status["pending"]] == ["ggg777"]
    assert status["place"] == "behind"


@pytest.mark.promise
def test_commands_that_look_work_on_a_database_at_the_last_replaced(stage: Stage):
    stage.old.upgrade(LAST)

    history = stage.new.door("flask", "history", "-i")
    drift = stage.new.door("flask", "drift", "--json")
    plan = stage.new.door("flask", "plan", "--json")

    assert f"{stage.base} -> ggg777" in history.out, history.err
    assert drift.code in {0, Differs.exit_code}, drift.err
    findings = json.loads(drift.out)["findings"]
    assert [one for one in findings if one["against"] == "history"] == []
    assert [one["revision"] for one in json.loads(plan.out)["revisions"]] == ["ggg777"], plan.err


def test_the_next_command_that_writes_puts_it_at_the_base(stage: Stage):
    stage.old.upgrade(LAST)

    done = stage.new.door("flask", "upgrade", "head")

    assert done.code == 0, done.err
    assert f"{LAST} was squashed: the database is at {stage.base}." in done.err
    assert stage.new.heads() == "ggg777"
    told = stage.new.rows("SELECT revision, direction FROM migration_history ORDER BY id")
    assert told[-2:] == [(stage.base, "stamp"), ("ggg777", "up")]
    assert stage.new.rows("SELECT handle FROM members") == ["ann"]
    log = stage.new.door("flask", "log")
    assert (LAST in log.out, stage.base in log.out) == (True, True)


def test_one_in_the_middle_is_sent_to_the_release_that_goes_on(stage: Stage, door):
    stage.old.upgrade(MIDDLE)
    door = door.removesuffix(" db")

    for command in (["current"], ["check"], ["upgrade", "head"], ["downgrade", "-1"]):
        done = stage.new.door(door, *command)

        assert done.code == SquashedAway.exit_code, done.out + done.err
        assert f"The database is at {MIDDLE}, in the middle of 6 revisions" in done.err
        assert "it lacks ddd444, eee555, fff666" in done.err
        assert f"with release 1.1, which brought the last of them (`flask db upgrade {LAST}`" in (
            done.err
        )
    assert stage.new.heads() == MIDDLE


def test_what_only_asks_tells_of_one_in_the_middle_too(stage: Stage):
    stage.old.upgrade(MIDDLE)

    status = json.loads(stage.new.door("flask", "status", "--json").out)
    verdict = stage.verdict(stage.new)

    assert status["place"] == "squashed away"
    assert not verdict.acceptable
    assert verdict.sentence == status["sentence"]
    assert "with release 1.1" in verdict.sentence
    for command in ("plan", "drift"):
        assert stage.new.door("flask", command).code == SquashedAway.exit_code


def test_a_way_back_to_what_is_no_more_is_refused_by_name(stage: Stage):
    stage.old.upgrade("ggg777")

    done = stage.new.door("flask", "downgrade", MIDDLE)

    assert done.code == Unknown.exit_code, done.err
    assert f"Revision {MIDDLE} is no more: it was squashed" in done.err
    assert f"into {stage.base}" in done.err


def test_a_step_back_stops_where_one_step_would_take_everything(stage: Stage):
    stage.old.upgrade("ggg777")

    first = stage.new.door("flask", "downgrade", "-1")
    second = stage.new.door("flask", "downgrade", "-1")
    whole = stage.new.door("flask", "downgrade", "base")

    assert first.code == 0, first.err
    assert second.code == WouldLose.exit_code, second.err
    assert "stands for 6 revisions that this database got one by one" in second.err
    assert whole.code == 0, whole.err
    assert stage.new.heads() == ""
    assert stage.catalogue() == {}


def test_a_step_back_over_the_base_is_one_where_the_base_was_one(stage: Stage):
    stage.new.upgrade()

    done = stage.new.door("flask", "downgrade", "-2")

    assert done.code == 0, done.err
    assert stage.catalogue() == {}


def test_an_older_program_goes_on_with_what_the_newer_one_has_written(stage: Stage):
    stage.forget_follower()
    stage.old.upgrade()
    stage.new.upgrade(stage.base)
    assert stage.new.heads() == stage.base

    assert stage.verdict(stage.old).acceptable
    back = stage.old.door("flask", "rollback-to-code")

    assert back.code == 0, back.err
    assert stage.old.heads() == LAST
    assert stage.old.rows("SELECT handle FROM members") == ["ann"]
    assert stage.old.door("flask", "downgrade", "-1").code == 0


def test_an_older_program_bears_a_database_that_began_with_the_base(stage: Stage):
    stage.forget_follower()
    stage.new.upgrade(stage.base)

    assert stage.verdict(stage.old).acceptable
    back = stage.old.door("flask", "rollback-to-code")

    assert back.code == 0, back.err
    assert stage.old.heads() == LAST
    assert stage.old.rows("SELECT handle FROM members") == ["ann"]


def test_a_contract_waits_for_an_older_program_at_a_squashed_revision(stage: Stage):
    stage.new.upgrade()
    contract = stage.new.add("hhh888", "ggg777", "pass", "pass", phase="contract")
    assert contract.exists()
    with stage.new.engine.begin() as connection:
        connection.execute(BEAT, {"heads": MIDDLE, "now": time.time_ns(), "host": "elsewhere"})

    done = stage.new.door("flask", "upgrade")

    assert (done.code, "hhh888" in done.err) == (22, True), done.err
