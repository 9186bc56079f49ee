"""Every setting that the program reads is on the page and in the example, and no other."""

from __future__ import annotations

import ast
import re
from functools import cache

import dotenv

from tests.documentation import pages, sources

EXAMPLE = pages.ROOT / ".env.example"

READ_FOR_US = {"XDG_CONFIG_HOME", "NO_COLOR"}
"""What click (`get_app_dir`) and rich read in the program's place."""


@cache
def read_by_the_program() -> frozenset[str]:
    # The handler stands in other programs, and reads their environment.
    trees = sources.trees(without="handler.py")
    return frozenset(READ_FOR_US).union(*map(sources.settings_read, trees))


def test_what_the_handler_reads_in_other_programs_is_in_its_own_words():
    handler = pages.ROOT / "agentlogger" / "handler.py"
    tree = ast.parse(handler.read_text(encoding="utf-8"))
    said = "".join(
        ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    )

    assert {name for name in sources.settings_read(tree) if f"`{name}`" not in said} == set()


def on_the_page() -> set[str]:
    section = pages.sections(pages.read("docs/reference.md"))["Settings"]
    return {pages.without_ticks(row[0]) for row in pages.rows(section)}


def in_the_example() -> set[str]:
    return set(re.findall(r"^# (\w+)=", EXAMPLE.read_text(), re.MULTILINE))


def test_the_page_lists_every_setting_and_no_other():
    assert on_the_page() == read_by_the_program()


def test_the_example_lists_every_setting_and_no_other():
    assert in_the_example() == read_by_the_program()


def test_the_example_sets_nothing():
    assert dotenv.dotenv_values(EXAMPLE) == {}


def test_each_setting_of_the_example_has_a_sentence():
    settings = re.findall(r"^(# .+\n)# \w+=.*$", EXAMPLE.read_text(), re.MULTILINE)

    assert len(settings) == len(in_the_example())
    assert [sentence for sentence in settings if not sentence.endswith(".\n")] == []


def test_the_reader_of_sources_sees_each_way_to_read_a_setting():
    source = """
values.get("A_SETTING", "")
_integer(values, "B_SETTING", 0)
environment.get("C_SETTING")
os.environ.get("D_SETTING")
os.environ["E_SETTING"]
os.getenv("F_SETTING")
given.headers.get("Host")
"""
    found = sources.settings_read(ast.parse(source))

    assert found == {f"{letter}_SETTING" for letter in "ABCDEF"}
