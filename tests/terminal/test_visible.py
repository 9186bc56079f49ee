"""What a terminal obeys, and what hides, is written out; what people read is left as it is."""

from __future__ import annotations

import json
import unicodedata

import pytest

from agentlogger.showing.characters import HOSTILE, one_line, visible
from agentlogger.terminal.piped import json_line
from agentlogger.terminal.visible import marked

SEEN = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Arabic and Kaithi signs around numbers: formats by their category, and letters to the eye."""


def test_every_control_format_separator_and_surrogate_is_written_out():
    categories = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    characters = (chr(code) for code in range(0x110000))

    missed = {
        one
        for one in characters
        if unicodedata.category(one) in categories and not HOSTILE.fullmatch(one)
    }

    assert missed == SEEN


@pytest.mark.parametrize(
    "text", ["Größe 7 µs", "修复登录", "שלום", "⚠️ 🇩🇪 👍🏽", "a\u0301", "`'\"\\<>&"]
)
def test_what_people_read_is_left_as_it_is(text):
    assert visible(text) == text


def test_a_text_becomes_one_line_and_says_where_its_lines_ended():
    assert one_line("  a\r\n\n  b\tc\rd\n") == r"a ↵ b c\x0dd"


def test_what_is_written_out_cannot_be_faked():
    real, fake = marked("\x1b"), marked(r"\x1b")

    assert real.plain == fake.plain
    assert [span.style for span in real.spans] != [span.style for span in fake.spans]


def test_json_for_programs_has_the_same_value_and_moves_nothing():
    value = {"\x9b": "\u202e \U000e0041 \x7f \ud800 ü"}

    line = json_line(value)

    assert json.loads(line) == value
    assert not HOSTILE.search(line)
    assert "ü" in line
