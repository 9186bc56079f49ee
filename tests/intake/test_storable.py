"""What no database holds is replaced by rule and marked, and no rule loses a value in silence."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agentlogger.intake
from agentlogger.intake import storable
from agentlogger.intake.exact_json import LongInteger, Repeated
from agentlogger.intake.redaction.rules import WORDS
from agentlogger.intake.storable import RULES, Adjustments
from agentlogger.limits import ATTRIBUTES, DEPTH

NAUGHTY = st.text(st.sampled_from("\0\ud800\udfff\ufffda~2é\U0001f600"), max_size=6)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAUGHTY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAUGHTY, inner, max_size=4),
    max_leaves=10,
)


def stored(value: Any, depth: int = 0) -> tuple[Any, dict[str, int]]:
    """The storable value, and which rules made it one."""
    notes = Adjustments()
    return storable.value(value, notes, depth), notes.counts


def nested(kind: type, levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value] if kind is list else {"k": value}
    return value


def bottom(value: Any) -> tuple[Any, int]:
    levels = 0
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else value["k"]
        levels += 1
    return value, levels


def leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON_VALUES)
def test_any_value_becomes_one_that_both_databases_hold(value: Any) -> None:
    found, _ = stored(value)
    text = json.dumps(found, allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in text
    assert text.encode()
    assert leaves(found) == leaves(value), "a replacement has lost a value"


@settings(max_examples=100, deadline=None)
@given(JSON_VALUES)
def test_what_was_made_storable_is_not_touched_again(value: Any) -> None:
    once, _ = stored(value)
    again, rules = stored(once)
    assert repr(again) == repr(once)
    assert rules == {}


@pytest.mark.parametrize(
    ("value", "expected", "rules"),
    [
        ("a\0b\0", "a\ufffdb\ufffd", {"text.nul": 2}),
        ("\ud83d", "\ufffd", {"text.surrogate": 1}),
        ("\ude00\ud83d", "\ufffd\ufffd", {"text.surrogate": 2}),
        ("\0\udfff", "\ufffd\ufffd", {"text.nul": 1, "text.surrogate": 1}),
        ("\U0001f600 é \ufffd \uffff \u202e", "\U0001f600 é \ufffd \uffff \u202e", {}),
        (math.nan, "NaN", {"number.not_finite": 1}),
        (math.inf, "Infinity", {"number.not_finite": 1}),
        (-math.inf, "-Infinity", {"number.not_finite": 1}),
        (-0.0, 0.0, {"number.negative_zero": 1}),
        (0.0, 0.0, {}),
        (5e-324, 5e-324, {}),
        (2**63 - 1, 2**63 - 1, {}),
        (-(2**63), -(2**63), {}),
        (2**63, "9223372036854775808", {"number.range": 1}),
        (-(2**63) - 1, "-9223372036854775809", {"number.range": 1}),
        (LongInteger("9" * 5_000), "9" * 5_000, {"number.range": 1}),
        (True, True, {}),
        (None, None, {}),
        ([1, [2.5]], [1, [2.5]], {}),
    ],
)
def test_each_kind_of_value_has_its_rule(value: Any, expected: Any, rules: dict[str, int]) -> None:
    found, applied = stored(value)
    assert (type(found), repr(found)) == (type(expected), repr(expected))
    assert applied == rules


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize("levels", [DEPTH - 1, DEPTH])
def test_sixty_four_levels_are_kept(kind: type, levels: int) -> None:
    found, rules = stored(nested(kind, levels))
    assert bottom(found) == ("bottom", levels)
    assert rules == {}


@pytest.mark.parametrize("kind", [list, dict])
def test_the_sixty_fifth_level_is_cut(kind: type) -> None:
    found, rules = stored(nested(kind, DEPTH + 1))
    assert bottom(found) == (None, DEPTH)
    assert rules == {"depth.cut": 1}


def test_a_value_within_others_has_fewer_levels_left() -> None:
    assert stored(nested(list, DEPTH - 1), depth=1)[1] == {}
    assert stored(nested(list, DEPTH), depth=1)[1] == {"depth.cut": 1}


def test_of_equal_keys_the_last_wins_and_they_are_counted() -> None:
    notes = Adjustments()
    pairs = [("a", 1), ("b", 2), ("a", 3), ("a", 4)]
    assert storable.mapping(pairs, storable.value, notes, 1) == {"a": 4, "b": 2}
    assert notes.counts == {"key.duplicate": 2}


def test_what_won_over_by_an_equal_key_is_not_marked_for_its_value() -> None:
    notes = Adjustments()
    assert storable.mapping([("a", "\0"), ("a", "x")], storable.value, notes, 1) == {"a": "x"}
    assert notes.counts == {"key.duplicate": 1}


def test_an_object_that_came_with_equal_keys_is_counted() -> None:
    repeated = Repeated({"a": 2})
    repeated.repeats = 3
    assert stored([repeated]) == ([{"a": 2}], {"key.duplicate": 3})


@pytest.mark.parametrize("first", ["a\0", "a\ufffd"])
def test_keys_that_become_equal_keep_both_values(first: str) -> None:
    second = "a\ufffd" if first == "a\0" else "a\0"
    found, rules = stored({first: 1, second: 2})
    assert found == {
        "a\ufffd": 1 if first == "a\ufffd" else 2,
        "a\ufffd~2": 1 if first == "a\0" else 2,
    }
    assert rules == {"text.nul": 1, "key.collision": 1}


def test_a_name_given_to_a_key_is_never_another_keys() -> None:
    keys = ["\0", "\ud800", "\ufffd", "\ufffd~2", "\udfff"]
    found, rules = stored(dict(zip(keys, range(1, 6), strict=True)))
    assert found == {"\ufffd": 3, "\ufffd~2": 4, "\ufffd~3": 1, "\ufffd~4": 2, "\ufffd~5": 5}
    assert rules == {"text.nul": 1, "text.surrogate": 2, "key.collision": 3}


def test_many_keys_that_become_equal_take_no_longer_than_others() -> None:
    surrogates = [chr(code) for code in range(0xD800, 0xE000)]
    keys = [a + b for a in surrogates[1024:] for b in surrogates[1024:1044]]
    found, rules = stored(dict.fromkeys(keys, 1))
    assert len(found) == len(keys) == 20_480
    assert rules["key.collision"] == len(keys) - 1


@pytest.mark.parametrize("count", [ATTRIBUTES - 1, ATTRIBUTES])
def test_a_thousand_attributes_are_kept(count: int) -> None:
    notes = Adjustments()
    pairs = [(f"key {index}", index) for index in range(count)]
    assert storable.attributes(pairs, storable.value, notes, 1) == dict(pairs)
    assert notes.counts == {}


def test_attributes_beyond_a_thousand_are_left_out_unread() -> None:
    notes = Adjustments()
    pairs = [*((f"key {index}", index) for index in range(ATTRIBUTES)), ("more", "\0"), ("", 1)]
    assert storable.attributes(pairs, storable.value, notes, 1) == dict(pairs[:ATTRIBUTES])
    assert notes.counts == {"attributes.cut": 2}


def test_equal_keys_are_one_attribute() -> None:
    notes = Adjustments()
    pairs = [*((f"key {index}", index) for index in range(ATTRIBUTES)), ("key 0", "last")]
    found = storable.attributes(pairs, storable.value, notes, 1)
    assert len(found) == ATTRIBUTES
    assert found["key 0"] == "last"
    assert notes.counts == {"key.duplicate": 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("gpt-5", "gpt-5"), ("", None), (None, None), (5, "5"), (0, "0"), (2.5, "2.5"),
        (True, None), (False, None), (["a"], None), ({"a": 1}, None),
    ],
)  # fmt: skip
def test_a_column_takes_texts_and_numbers(value: Any, expected: str | None) -> None:
    notes = Adjustments()
    assert storable.column(value, notes, 10) == expected
    assert notes.counts == {}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_double_that_json_writes_with_an_exponent_says_so(sign: int) -> None:
    notes = Adjustments()
    below, large = (storable.number(sign * each, notes) for each in (9999999999999998.0, 1e16))
    assert (type(below), type(large)) == (float, storable.LargeDouble)
    assert (below, large) == (sign * 9999999999999998.0, sign * 1e16)
    assert type(storable.value(large, notes)) is storable.LargeDouble
    assert storable.column(large, notes, 10) == str(sign * 1e16)
    assert notes.counts == {}


@pytest.mark.parametrize(("length", "rules"), [(9, {}), (10, {}), (11, {"text.cut": 1})])
def test_a_column_is_cut_at_its_length(length: int, rules: dict[str, int]) -> None:
    notes = Adjustments()
    assert storable.column("x" * length, notes, 10) == "x" * min(length, 10)
    assert notes.counts == rules


def test_marks_say_how_often_and_what_was_sent() -> None:
    shared, own = Adjustments(), Adjustments()
    shared.note("text.nul", 2)
    own.note("text.nul")
    own.note("time.range", sent="-5")
    own.add([shared])
    assert own.as_column() == {"text.nul": {"count": 3}, "time.range": {"count": 1, "sent": "-5"}}
    assert shared.as_column() == {"text.nul": {"count": 2}}, "what is shared must not grow"
    assert Adjustments().as_column() is None


@pytest.mark.parametrize("length", [199, 200, 201, 5_000])
def test_what_was_sent_is_kept_up_to_two_hundred_characters_and_storable(length: int) -> None:
    notes = Adjustments()
    notes.note("time.range", sent="\0" * length)
    kept = notes.sent["time.range"]
    assert kept == "\ufffd" * (length if length <= 200 else 199) + ("…" if length > 200 else "")


def test_every_rule_that_is_applied_is_described() -> None:
    folder = Path(agentlogger.intake.__file__).parent
    code = "".join(file.read_text() for file in sorted(folder.glob("*.py")))
    quoted = re.findall(r'note\(\s*"([a-z_.0-9]+)"', code) + re.findall(
        r'"((?:trace|span)_id\.invalid)"|rule(?:: str = |=)"([a-z_.]+)"', code
    )
    names = {name for found in quoted for name in ([found] if isinstance(found, str) else found)}
    assert (names - {""}) | set(WORDS) == set(RULES)
    assert not names & set(WORDS)
