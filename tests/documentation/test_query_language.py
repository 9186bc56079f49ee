"""docs/query-language.md is what the table of keys makes of it, and what it shows are queries."""

from __future__ import annotations

import pytest

from agentlogger.query.page import page
from agentlogger.query.parsing import read
from tests.documentation import pages

PAGE = pages.read("docs/query-language.md")
SHOWN = [
    *pages.code_blocks(PAGE, "text"),
    *(pages.without_ticks(row[0]) for row in pages.rows(pages.sections(PAGE)["Terms"])),
]


def test_the_page_is_the_one_that_the_table_of_keys_makes():
    assert page() == PAGE, "write it: python -m agentlogger.query.page > docs/query-language.md"


@pytest.mark.parametrize("query", SHOWN)
def test_what_the_page_shows_is_a_query(query):
    assert read(query).hints == ()
