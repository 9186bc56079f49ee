"""A text has every row that a part of it is looked for by."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from agentlogger.query import grams

TEXTS = st.text(st.characters(exclude_characters="\0"), min_size=3, max_size=40)


def marked(*texts: str) -> set[int]:
    spread = bytearray(grams.ROWS)
    grams.mark(texts, spread)
    return {row for row, is_set in enumerate(spread) if is_set}


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.data())
def test_each_part_of_each_text_is_found_whatever_stands_around_it(texts, data):
    rows = marked(*texts)
    text = data.draw(st.sampled_from(texts))
    begin = data.draw(st.integers(0, len(text) - 3))
    assert rows.issuperset(grams.rows_asked(text[begin:]))


def test_a_long_text_is_marked_without_a_gap_and_two_texts_without_a_bridge():
    letters = random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=3 * grams.BLOCK)
    text = "".join(letters)
    asked = {row for at in range(len(text) - 8) for row in grams.rows_asked(text[at : at + 9])}
    assert asked <= marked(text)
    assert len(marked("abcdef", "uvwxyz")) == 1 + 2 * (3 + 4)
