"""Every change of the models on which autogenerate was measured, and others, with rows in place.

Each is written by one database and applied to both, so that a file does not depend on where it was
written; afterwards `check` is clean, and the downgrade gives back what was there.
"""

from __future__ import annotations

import pytest

from tests.migrations.comparing.beside import SEEN, TOLD
from tests.migrations.comparing.case import BOTH, Case
from tests.migrations.comparing.measured import MEASURED
from tests.migrations.comparing.stage import Stage, prove
from tests.migrations.comparing.unchanged import UNCHANGED
from tests.migrations.project import emptied

EVERY = [*MEASURED, *SEEN, *TOLD, *UNCHANGED]

ORDINARY = {
    ("06a", "postgresql"),
    ("07c", "sqlite"),
    ("14a", "postgresql"),
    ("enum lost", "sqlite"),
    ("default spelled", "postgresql"),
}
"""The most telling ones, which are run each time; the others are promises."""


def runs() -> list:
    found = []
    for case in EVERY:
        for on in case.on:
            marks = [] if (case.number, on) in ORDINARY else [pytest.mark.promise]
            found.append(pytest.param(case, on, marks=marks, id=f"{case} by {on}"))
    return found


@pytest.mark.parametrize(("case", "on"), runs())
def test_a_change_of_the_models(case: Case, on: str, request, tmp_path):
    others = [kind for kind in case.on if kind != on]
    with emptied(request.getfixturevalue(f"{on}_databases")) as writer:
        if not others:
            prove(Stage(tmp_path, writer, None, case.names), case)
            return
        with emptied(request.getfixturevalue(f"{others[0]}_databases")) as other:
            prove(Stage(tmp_path, writer, other, case.names), case)


def test_a_case_that_is_on_one_database_says_why():
    assert all(bool(case.why) == (case.on != BOTH) for case in EVERY)


def test_there_are_all_that_were_measured():
    assert len({case.number for case in MEASURED}) == len(MEASURED) == 43
    assert {number for number, _ in ORDINARY} <= {case.number for case in EVERY}
