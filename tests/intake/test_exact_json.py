"""The JSON reader is fast where it can be, exact always, and never at the end of its stack."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlogger.intake import exact_json
from agentlogger.intake.exact_json import LEVELS_KEPT, LEVELS_MAX, LongInteger, NotJson, Repeated

pieces = st.sampled_from(['"', "\\", "u0022", "e+", ":", "{", "[", "a", "\ud800", "é"])
texts = st.lists(pieces, max_size=4).map("".join)
numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 1e16, 1e308]),
)
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def written(document: Any, *, quotes: str = '\\"') -> str:
    """The document as the standard library writes it, or with quotes escaped in another way."""
    escape = re.compile(r"\\(.)", re.DOTALL)
    return escape.sub(lambda found: quotes if found[1] == '"' else found[0], json.dumps(document))


def exactly(given: Any) -> Any:
    """Integers beyond 64 bits as their digits, and every type with its value."""
    if isinstance(given, dict):
        return {key: exactly(item) for key, item in given.items()}
    if isinstance(given, list):
        return [exactly(item) for item in given]
    beyond = isinstance(given, LongInteger) or (
        type(given) is int and not -(2**63) <= given < 2**63
    )
    return ("integer", str(given)) if beyond else (type(given).__name__, repr(given))


def nested(levels: int, inner: str = "1") -> bytes:
    return ("[" * levels + inner + "]" * levels).encode()


def depth_of(value: Any) -> int:
    levels = 0
    while isinstance(value, list) and value:
        value, levels = value[0], levels + 1
    return levels


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents, st.sampled_from(['\\"', "\\u0022"]))
def test_any_document_is_read_as_it_was_written(document: Any, quotes: str) -> None:
    body = written(document, quotes=quotes).encode()
    assert exactly(exact_json.loads(body)) == exactly(document)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(texts, documents, min_size=1, max_size=3), st.data())
def test_a_repeated_key_is_never_missed(members: dict[str, Any], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(members, key=repr)))
    pairs = [*members.items(), (again, data.draw(documents))]
    text = ",".join(f"{written(key)}:{written(item)}" for key, item in pairs)
    found = exact_json.loads(f"[{{{text}}}]".encode())[0]
    assert isinstance(found, Repeated)
    assert found.repeats == 1
    assert exactly(found) == exactly(dict(pairs))


def test_the_installed_orjson_is_fast_and_trusted() -> None:
    assert exact_json.TELLS_ROUNDED, "every body would be read slowly"
    body = b'{"a":"\\u0022b","c":[1,2.5,"d"]}'
    assert exact_json._nothing_lost(body, orjson.loads(body))


@pytest.mark.parametrize(
    "body", [b'{"a":1,"a":2}', b"[1e16]", b"[18446744073709551616]", b'{"\\u0022":1,"\\u0022":2}']
)
def test_what_orjson_may_have_lost_is_read_again(body: bytes) -> None:
    assert not exact_json._nothing_lost(body, orjson.loads(body))


def test_an_older_orjson_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_json, "TELLS_ROUNDED", False)
    assert not exact_json._nothing_lost(b"[1]", [1])


def test_integers_end_at_no_number_of_digits() -> None:
    digits = "9" * 5_000
    assert exact_json.loads(f"[{digits}]".encode()) == [LongInteger(digits)]
    assert exact_json.loads(f"[-{digits}]".encode()) == [LongInteger(f"-{digits}")]


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_javascripts_names_for_no_numbers_are_numbers(name: str) -> None:
    assert repr(exact_json.loads(f"[{name}]".encode())[0]) == repr(float(name))


def test_a_byte_order_mark_is_no_hindrance() -> None:
    assert exact_json.loads(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize("levels", [253, 254, 255, LEVELS_KEPT - 1, LEVELS_KEPT])
def test_what_is_not_too_deep_is_read_whole(levels: int) -> None:
    assert depth_of(exact_json.loads(nested(levels))) == levels


@pytest.mark.parametrize("levels", [LEVELS_KEPT + 1, 1_000, 5_000, LEVELS_MAX])
def test_what_is_deeper_than_anyone_looks_is_still_read(levels: int) -> None:
    body = b'{"deep":' + nested(levels) + b',"after":"]}["}'
    found = exact_json.loads(body) if levels < LEVELS_MAX else exact_json.loads(nested(levels))
    deep = found["deep"] if levels < LEVELS_MAX else found
    assert depth_of(deep) >= LEVELS_KEPT - 1
    assert levels == LEVELS_MAX or found["after"] == "]}["


def test_several_deep_values_are_each_cut() -> None:
    deep = nested(3_000).decode()
    found = exact_json.loads(f'{{"a":{deep},"b":[{deep},"c"],"d":"\\"["}}'.encode())
    assert found["b"][1] == "c"
    assert found["d"] == '"['


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, nested(200_000), b'{"a":' * 200_000],
    ids=["open lists", "lists", "open objects"],
)
def test_what_is_nothing_but_depth_is_refused_and_no_stack_ends(body: bytes) -> None:
    with pytest.raises(NotJson):
        exact_json.loads(body)


def test_the_depth_of_an_attack_is_exact() -> None:
    assert exact_json._shallow(nested(LEVELS_MAX).decode()) == "[" * 400 + "null" + "]" * 400
    with pytest.raises(NotJson, match="more than 10,000 levels"):
        exact_json._shallow(nested(LEVELS_MAX + 1).decode())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 2_000, "its end is missing"),
        ("[" * 2_000 + "}" * 2_000, "a } too many"),
        ("[" * 2_000 + "]" * 2_001, "a ] too many"),
        ("[" * 2_000 + '"' + "]" * 2_000, "has no end"),
    ],
    ids=["open", "other brackets", "one too many", "an open text"],
)
def test_what_is_cut_out_must_have_its_brackets_and_texts_closed(text: str, reason: str) -> None:
    with pytest.raises(NotJson, match=reason):
        exact_json._shallow(text)
    with pytest.raises(NotJson, match="is not JSON"):
        exact_json.loads(text.encode())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is not JSON"),
        (b"   ", "is not JSON"),
        (b"{", "is not JSON"),
        (b'{"a":1} x', r"is not JSON \(Extra data at character 8\)"),
        (b'"\xff"', r"is not UTF-8 \(byte 1\)"),
        (b'"\xc0\x80"', "is not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "is not UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "is not JSON"),
        (b'"a\nb"', r"is not JSON \(Invalid control character at character 2\)"),
        (b"{'a':1}", "is not JSON"),
        (b"[1,]", "is not JSON"),
        (b"[01]", "is not JSON"),
    ],
)
def test_what_is_no_json_is_told_with_the_place(body: bytes, reason: str) -> None:
    with pytest.raises(NotJson, match=reason):
        exact_json.loads(body)
