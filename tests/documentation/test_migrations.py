"""The tables of docs/migrations.md are the program's own: exit codes, options, commands."""

from __future__ import annotations

import pytest

from agentlogger.migrate import options
from agentlogger.migrate.causes import every_cause
from agentlogger.migrate.commands.doors import OWN
from agentlogger.migrate.linting.rules import BOTH, POSTGRESQL, RULES, SQLITE
from tests.documentation import pages

PAGE = pages.read("docs/migrations.md")
SECTIONS = pages.sections(PAGE)


def cells(heading: str) -> list[list[str]]:
    return [[pages.without_ticks(cell) for cell in row] for row in pages.rows(SECTIONS[heading])]


def test_every_cause_stands_there_with_its_exit_code():
    assert [(int(code), cause) for code, cause, _ in cells("Exit codes")] == [
        (kind.exit_code, kind.code) for kind in every_cause()
    ]


def test_no_two_causes_share_an_exit_code():
    codes = [kind.exit_code for kind in every_cause()]

    assert len(codes) == len(set(codes))
    # What a shell, click and Alembic use for themselves.
    assert not {0, 2, 126, 127, 255} & set(codes)


def test_every_bound_stands_there_with_its_default():
    bounds = {
        row[0]: (row[1], row[2], float(row[3])) for row in cells("What can be adjusted")
        if len(row) == 4
    }  # fmt: skip

    assert {name: (setting, default) for name, (_, setting, default) in bounds.items()} == {
        bound.name: (bound.setting, bound.default) for bound in options.BOUNDS
    }
    assert {attribute for attribute, _, _ in bounds.values() if attribute} <= {
        bound.attribute for bound in options.BOUNDS
    }


def test_every_other_option_stands_there_in_its_own_words():
    assert {row[0]: row[1] for row in cells("What can be adjusted") if len(row) == 2} == (
        options.WORDS
    )


def test_every_rule_of_the_linter_stands_there_in_its_own_words():
    names = {POSTGRESQL: "PostgreSQL", SQLITE: "SQLite", BOTH: "both"}

    assert cells("Judged by what it does") == [
        [rule.name, names[rule.databases], rule.what] for rule in RULES
    ]


@pytest.mark.parametrize("command", sorted(OWN))
def test_every_command_that_is_ours_stands_there(command):
    assert f"`flask db {command}`" in PAGE


@pytest.mark.parametrize("command", sorted(OWN))
def test_every_command_that_is_ours_has_the_name_that_is_typed(command):
    assert OWN[command].name == command
