"""What a language model is given is bounded, and says what it leaves out."""

from __future__ import annotations

import json
import random
import re
import shlex
import string

from hypothesis import given
from hypothesis import strategies as st

from agentlogger.terminal import brief
from agentlogger.terminal.brief import TOKENS_LEAST, TOKENS_MOST
from agentlogger.terminal.tokens import estimate
from tests.terminal.test_reading import record


def of_api(number: int, text: str = "", **others: object) -> dict[str, object]:
    """A record as the API gives it."""
    return {
        "id": f"{number:026d}",
        "ts_ns": str((1_795_331_040 + number) * 10**9),
        "severity_number": 9,
        "kind": "log",
        "body": text or f"number {number}",
        **others,
    }


@given(
    st.lists(st.text(max_size=3_000), max_size=30),
    st.integers(TOKENS_LEAST, 5_000),
    st.booleans(),
)
def test_records_never_take_more_than_they_may(texts, tokens, has_more):
    records = [of_api(number, text) for number, text in reversed(list(enumerate(texts)))]

    told = brief.of_records(records, tokens, has_more=has_more, older=lambda _: "ask again")

    assert estimate(told.text) <= tokens
    assert ("left out: ask again" in told.text) == (has_more or told.shown < len(texts))


@given(
    st.dictionaries(st.text(max_size=50), st.text(max_size=5_000), max_size=60),
    st.integers(TOKENS_LEAST, 5_000),
)
def test_one_record_never_takes_more_than_it_may(attributes, tokens):
    assert estimate(brief.of_record(of_api(1, attributes=attributes), tokens)) <= tokens


def test_texts_are_cut_before_records_are_left_out_and_both_are_said():
    records = [of_api(number, "a word " * 200) for number in range(9, -1, -1)]

    def told(tokens: int) -> brief.Brief:
        return brief.of_records(records, tokens, has_more=False, older=lambda n: f"behind {n}")

    assert "Nothing is left out." in told(TOKENS_MOST).text
    cut = told(2_000)
    assert cut.shown == 10
    assert "10 texts are cut to 500 characters" in cut.text
    few = told(600)
    assert few.shown < 10
    assert f"{10 - few.shown} older records are left out: behind {few.shown}" in few.text


def test_random_letters_count_for_more_than_words():
    blob = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=1_200))

    assert estimate(blob) > 1_200 / 2
    assert estimate("the quick brown fox jumps over the lazy dog") == 12


def test_what_is_left_out_is_found_by_the_command_that_is_told(at_a_server):
    reader = at_a_server
    reader.fill(*(record(number, session_id=f"s{number % 2}") for number in range(30)))
    asked = ("search", "--for-llm", "--tokens", "700", "-n", "30", "--since", "2026-11-22")
    seen: list[str] = []

    for _ in range(20):
        told = reader.run(*asked).stdout
        seen = re.findall(r"\| number (\d+) \|", told) + seen
        more = re.search(r"left out: `agentlogger (.*)`", told)
        if more is None:
            break
        asked = tuple(shlex.split(more[1]))

    assert seen == [str(number) for number in range(30)]
    assert re.search(r" I +\[s1\] \| number 1 \| \w{26}\n", told)


def test_a_record_is_told_with_every_value_that_is_set(at_a_server):
    reader = at_a_server
    reader.fill(record(1, tool="Bash", note="x" * 9_000))
    identifier = json.loads(reader.run("search", "--json").stdout)["id"]

    told = reader.run("show", "--for-llm", "--tokens", "600", identifier).stdout

    assert "tool: Bash\n" in told
    assert re.search(r"attributes\.note: x+… \(\+\d+\)\n", told)
    assert re.search(r"Cut to \d+ characters: attributes\.note\.\n", told)
