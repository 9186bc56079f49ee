"""A plan tells what is filled later, and plans what comes after as if it were."""

from __future__ import annotations

import json

import pytest

from tests.migrations.backfills.filling import NAME

pytestmark = pytest.mark.promise


def plan(project) -> dict:
    told = project.door("flask", "plan", "--json")
    assert told.code == 0, told.err
    return json.loads(told.out)


def test_a_small_table_is_filled_by_a_statement_of_the_plan(people):
    people.require()

    people.upgrade("aaa111")

    found = plan(people)

    assert "UPDATE people SET full_name" in json.dumps(found["revisions"][0]["statements"])
    assert found["notes"] == []
    assert found["failure"] is None


def test_a_large_table_is_left_for_later_and_the_upgrade_stops_before_what_needs_it(many):
    many.require()
    many.upgrade("aaa111")

    found = plan(many)

    assert found["notes"] == [
        (
            f"The backfill {NAME} of about 2,000 rows is left for later: a running service does it "
            f"in batches, or `flask db backfill run {NAME}`. The upgrade stops before ccc333 "
            "(require people full name), which needs it; run it again then."
        )
    ]
    assert [one["sql"] for one in found["revisions"][0]["statements"]] == [
        "ALTER TABLE people ADD COLUMN full_name VARCHAR"
    ]
    assert found["failure"] is None


def test_what_needs_an_unfinished_one_is_planned_as_if_it_were_finished(many):
    many.upgrade()
    many.require()

    found = plan(many)

    (note,) = found["notes"]
    assert note.startswith("Revision ccc333 (require people full name) needs the backfill")
    assert note.endswith(
        f"finish it with `flask db backfill run {NAME}`, then run `flask db upgrade` again."
    )
    assert found["failure"] is None
    assert many.wrong() == 2_000
