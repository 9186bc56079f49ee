"""docs/compare-migrations.md: every answer of ours leads to the test that shows it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.documentation import pages

PAGE = pages.read("docs/compare-migrations.md")
SECTIONS = pages.sections(PAGE)
TABLES = ("Tools that run migrations", "Tools that check migrations")

SHOWN = re.compile(r"\[(?P<word>yes|part)\]\(\.\./(?P<file>tests/[\w/]+\.py)#(?P<test>test_\w+)\)")

MARK = re.compile(r"(yes|part|-|\$|doc|\?|n/a)( \$)?(?P<sources>( (ran|[A-Z]{1,2}\d))*)")

KINDS = ["Reads"]
"""Rows that say what a tool works on, in words."""


def table(heading: str) -> list[list[str]]:
    return pages.rows(SECTIONS[heading])


ROWS = [row for heading in TABLES for row in table(heading) if row[0] not in KINDS]


def defined_in(source: str) -> set[str]:
    """The tests that a file defines."""
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_we_do_is_shown_by_a_test_that_is_there(row):
    ours = row[1]
    if ours == "-":
        return
    shown = SHOWN.fullmatch(ours)

    assert shown is not None, ours
    assert (pages.ROOT / shown["file"]).is_file(), shown["file"]
    assert shown["test"] in defined_in(pages.read(shown["file"])), shown["test"]


def test_what_we_do_in_part_says_what_is_missing():
    in_part = [row[0] for row in ROWS if row[1].startswith("[part]")]

    assert [row[0] for row in pages.rows(SECTIONS["Where ours is part"])] == in_part
    assert in_part


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_mark_of_another_tool_is_one_of_those_explained(row):
    assert [cell for cell in row[2:] if MARK.fullmatch(cell) is None] == []


def test_every_source_that_a_mark_names_is_listed():
    listed = " ".join(row[0] for row in pages.rows(SECTIONS["Sources"]))
    named = {
        word
        for row in ROWS
        for cell in row[2:]
        for word in MARK.fullmatch(cell)["sources"].split()  # type: ignore[index]
        if word != "ran"
    }

    missing = {one for one in named if one not in spelled_out(listed)}
    assert missing == set()
    assert named


def spelled_out(listed: str) -> set[str]:
    """The names of a list, in which `AT1 to AT9` stands for nine."""
    found = set(re.findall(r"[A-Z]{1,2}\d", listed))
    for letters, first, last in re.findall(r"([A-Z]{1,2})(\d) to \1(\d)", listed):
        found |= {f"{letters}{number}" for number in range(int(first), int(last) + 1)}
    return found


def test_the_reader_of_answers_sees_what_is_no_test():
    assert SHOWN.fullmatch("[yes](../tests/migrations/test_lock.py)") is None
    assert SHOWN.fullmatch("yes") is None
    assert "test_no" not in defined_in(pages.read("tests/migrations/test_lock.py"))
