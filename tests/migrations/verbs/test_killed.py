"""A verb that was stopped anywhere is finished when it is run again, or taken back.

A process that is killed between two statements leaves what is committed, and so does one that
stops itself there. What a killed build leaves is in `test_indexes`, `test_uniques` and the others.
"""

from __future__ import annotations

import pytest

from tests.migrations.verbs.frozen import CASES
from tests.migrations.verbs.stage import Doing, Stage

pytestmark = pytest.mark.promise

VERBS = {name: case for name, case in CASES.items() if "enum" not in name and name != "backfill"}
"""Those that have more than one statement."""


class Killed(Exception):  # noqa: N818  (no error)
    """The end of a process."""


def killed_before(stage: Stage, number: int, doing: Doing) -> bool:
    """Do this until before a statement; whether it came so far."""
    left = number

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    try:
        stage.do(doing, before=count)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_verb_that_was_killed_before_any_statement_is_finished_by_the_next_run(stage, verb):
    up, down = VERBS[verb]
    empty = stage.schema()
    stage.do(up)
    whole = stage.schema()
    steps = len(stage.statements)
    stage.do(down)

    for number in range(1, steps + 1):
        assert killed_before(stage, number, up)
        stage.do(up)
        assert stage.schema() == whole, f"killed before statement {number}"
        stage.do(down)
        assert stage.schema() == empty, f"killed before statement {number}"
    assert not killed_before(stage, steps + 1, up)


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_verb_that_was_killed_before_any_statement_can_be_taken_back(stage, verb):
    up, down = VERBS[verb]
    empty = stage.schema()

    number = 1
    while killed_before(stage, number, up):
        stage.do(down)
        assert stage.schema() == empty, f"killed before statement {number}"
        number += 1

    assert number > 1


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_way_back_that_was_killed_before_any_statement_is_finished_by_the_next_run(stage, verb):
    up, down = VERBS[verb]
    empty = stage.schema()

    number = 1
    while True:
        stage.do(up)
        if not killed_before(stage, number, down):
            break
        stage.do(down)
        assert stage.schema() == empty, f"killed before statement {number}"
        number += 1

    assert number > 1
    assert stage.schema() == empty
