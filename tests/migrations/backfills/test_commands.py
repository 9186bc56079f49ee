"""`flask db backfill` lists, runs, pauses and resumes; `flask db status` shows."""

from __future__ import annotations

import json
from unittest import mock

import pytest

from agentlogger.migrate.backfills import worker as working
from tests.migrations.backfills.filling import NAME


def test_nothing_to_fill_is_said_in_a_sentence(people):
    people.upgrade("aaa111")

    assert people.door("flask", "backfill", "list").out == "There is nothing to fill.\n"
    assert people.door("flask", "backfill", "run").out == "There is nothing to fill.\n"
    assert json.loads(people.door("flask", "backfill", "list", "--json").out) == []


@pytest.mark.promise
def test_a_name_that_is_none_is_refused_with_the_nearest(people):
    people.upgrade()

    for command in ("run", "pause", "resume"):
        told = people.door("flask", "backfill", command, "people_fullname")

        assert told.code == 1
        assert "There is no backfill people_fullname in this database. Did you mean" in told.err


def test_running_all_of_them_finishes_them(many):
    many.upgrade()

    told = many.door("flask", "backfill", "run")

    assert (told.code, told.err) == (0, "")
    assert told.out == f"{NAME}  finished, 2,000 rows written\n"
    assert many.wrong() == 0


@pytest.mark.promise
def test_it_can_be_adjusted_for_one_run(many):
    many.upgrade()

    told = many.door("flask", "backfill", "run", "-x", "backfill-batch=nonsense")

    assert told.code == 33
    assert "-x backfill-batch is 'nonsense'" in told.err


def test_one_that_is_paused_runs_again_when_it_is_resumed(many):
    many.upgrade()

    assert many.door("flask", "backfill", "pause", NAME).code == 0
    refused = many.door("flask", "backfill", "run", NAME)
    nothing = many.door("flask", "backfill", "run")

    assert refused.code == 1
    assert f"`flask db backfill resume {NAME}`" in refused.err
    assert (nothing.code, many.wrong()) == (0, 2_000)
    assert f"{NAME}: paused, and left alone" in nothing.err
    assert nothing.out == ""
    assert many.door("flask", "backfill", "resume", NAME).code == 0
    assert many.door("flask", "backfill", "run", NAME).code == 0
    assert many.wrong() == 0


@pytest.mark.promise
def test_what_is_finished_is_not_paused_and_only_signed_when_it_is_resumed(people):
    people.upgrade()
    people.change(signature=None)
    people.require()

    refused = people.door("flask", "backfill", "pause", NAME)

    assert (refused.code, "is finished" in refused.err) == (1, True)
    assert people.door("flask", "upgrade").code == 28
    assert "signed" in people.door("flask", "backfill", "resume", NAME).out
    people.upgrade()
    assert [one.state for one in people.backfills()] == ["finished"]


@pytest.mark.promise
def test_running_what_is_finished_looks_for_rows_that_came_later(people):
    people.upgrade()
    people.run("INSERT INTO people (id, first_name, last_name) VALUES (9, 'older', 'program')")

    told = people.door("flask", "backfill", "run", NAME, "--json")

    (one,) = json.loads(told.out)
    assert (one["state"], one["rows_written"]) == ("finished", 4)
    assert people.wrong() == 0


def test_an_interruption_leaves_it_to_go_on_from_there(many):
    many.upgrade()
    many.change(batch_rows=100)
    left = iter([0.0, 0.0, KeyboardInterrupt])

    with mock.patch.object(working.throttle, "pause_after", side_effect=left):
        told = many.door("flask", "backfill", "run", NAME)

    (one,) = many.backfills()
    assert told.code == 130
    assert "goes on behind them" in told.err
    assert 0 < one.rows_done < 2_000
    assert one.state == "pending"
    assert many.door("flask", "backfill", "run").code == 0
    assert many.wrong() == 0


@pytest.mark.promise
def test_sql_that_another_has_put_there_is_signed_by_who_resumes_it(many):
    many.upgrade()
    many.change(signature=None)

    refused = many.door("flask", "backfill", "run")
    many.door("flask", "backfill", "resume", NAME)

    assert (refused.code, many.wrong()) == (28, 2_000)
    assert many.door("flask", "backfill", "run").code == 0
    assert many.wrong() == 0


def test_status_shows_how_far_each_is_and_what_it_waits_for(many):
    many.upgrade()
    many.change(rows_done=500, waiting_for="a replica is 9.0 s behind (bound 5 s)")

    line = f"{NAME}  pending, 25 %, 500 of about 2,000 rows: a replica is 9.0 s behind (bound 5 s)"
    assert line in many.door("flask", "status").out
    (one,) = json.loads(many.door("flask", "status", "--json").out)["backfills"]
    assert one["sentence"] == line
    assert (one["percent"], one["rows_done"], one["state"]) == (25.0, 500, "pending")
    assert one["statement"].startswith("UPDATE people SET full_name = ")
