"""The names that verbs give to parts: the same each time, short enough, and never of two things."""

from __future__ import annotations

import pytest

from agentlogger.migrate.postgresql.verbs.names import LONGEST, not_null_check, part_name


def test_a_short_name_is_the_whole_of_it():
    assert part_name("ix_people_name", "people_1") == "people_1_ix_people_name"
    assert not_null_check("people", "name") == "people_name_is_not_null"


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u20ac"])
def test_long_names_that_begin_alike_stay_two_and_are_not_cut_by_postgresql(letter):
    partition, index = letter * 21, letter * 40

    one, other = part_name(f"{index}_1", partition), part_name(f"{index}_2", partition)

    assert one != other
    assert one == part_name(f"{index}_1", partition)
    assert max(len(one.encode()), len(other.encode())) <= LONGEST
