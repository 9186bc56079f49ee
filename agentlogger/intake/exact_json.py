"""JSON read without losing anything: big integers, NaN, lone surrogates, equal keys, any depth.

orjson is several times faster than the standard library, and refuses or rounds all of these. So it
reads first, and what it read is kept where nothing can have been lost; the rest is read once more
by the standard library, whose hooks tell what orjson does not.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

LEVELS_KEPT = 400
"""JSON levels that are read. A level of an OTLP value takes four, and of those values 64 levels are
kept (`limits.DEPTH`): what is left out here lies deeper than any reader looks."""

LEVELS_MAX = 10_000
"""JSON levels at which a body counts as an attack instead of as a deep value."""

TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+(?P<end>"?)|[\[{\]}]', re.DOTALL)
"""A string, so that brackets within it do not count, or a bracket."""

CLOSERS = {"[": "]", "{": "}"}

LONGEST_WITHIN_64_BITS = 20
"""Characters of the longest integer of 64 bits, sign included."""

ROUNDED = b"e+"
"""What stands in every number from 1e16 on as orjson writes it, and so in every integer beyond 64
bits, which it has rounded to a double."""

TELLS_ROUNDED = ROUNDED in orjson.dumps(1e16)
"""Whether this orjson writes so; older ones do not, and are then not asked."""


class NotJson(ValueError):  # noqa: N818  (it is a reason; the reader says for what)
    """A text that cannot be read; `str()` continues a sentence that begins with what it was."""


class Repeated(dict[str, Any]):
    """An object in which keys came more than once; the last values won."""

    repeats: int = 0


class LongInteger(str):
    """The digits of an integer beyond 64 bits."""

    __slots__ = ()


class LargeDouble(float):
    """A double that JSON writes with an exponent; stores write its digits out instead."""

    __slots__ = ()


def loads(body: bytes) -> Any:
    """The value of a JSON text in UTF-8. Raises NotJson.

    Integers beyond 64 bits are ints or LongInteger, objects with equal keys are Repeated. Lists and
    objects below LEVELS_KEPT levels are null.
    """
    try:
        value = orjson.loads(body)
        if _nothing_lost(body, value):
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        # No JSON at all, or JSON that only the standard library reads; a value that orjson cannot
        # write again is nested deeply.
        pass
    return _read_slowly(body)


def _nothing_lost(body: bytes, value: Any) -> bool:
    """Whether orjson has certainly read all of a body, seen by writing it again.

    An equal key that orjson has dropped takes at least two quotes with it, and apart from quotes
    that the body writes as an escape the number of quotes is otherwise the same.
    """
    written = orjson.dumps(value)
    return (
        TELLS_ROUNDED
        and ROUNDED not in written
        and written.count(b'"') == body.count(b'"') + body.count(b"\\u0022")
    )


def _read_slowly(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise NotJson(f"is not UTF-8 (byte {fault.start})") from None
    try:
        try:
            return json.loads(text, object_pairs_hook=_object, parse_int=_integer)
        except RecursionError:
            return json.loads(_shallow(text), object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as fault:
        # Some of its sentences end in "at" or "starting at", for the place that follows them.
        said = fault.msg.removesuffix(" at")
        raise NotJson(f"is not JSON ({said} at character {fault.pos})") from None


def _shallow(text: str) -> str:
    """A JSON text in which what lies below LEVELS_KEPT levels is null. Raises NotJson.

    The standard library goes down as far as Python's stack allows, and no further.
    """
    kept: list[str] = []
    kept_to = 0
    open_brackets: list[str] = []
    for token in TOKENS.finditer(text):
        bracket = text[token.start()]
        if bracket in CLOSERS:
            open_brackets.append(bracket)
            if len(open_brackets) == LEVELS_KEPT + 1:
                kept.append(text[kept_to : token.start()])
            elif len(open_brackets) > LEVELS_MAX:
                raise NotJson(f"nests more than {LEVELS_MAX:,} levels deep")
        elif bracket == '"':
            if not token["end"]:
                raise NotJson("is not JSON (a string in it has no end)")
        else:
            if not open_brackets or CLOSERS[open_brackets.pop()] != bracket:
                raise NotJson(f"is not JSON (a {bracket} too many at character {token.start()})")
            if len(open_brackets) == LEVELS_KEPT:
                kept.append("null")
                kept_to = token.end()
    if len(open_brackets) > LEVELS_KEPT:
        raise NotJson("is not JSON (its end is missing)")
    return "".join([*kept, text[kept_to:]])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    repeated = Repeated(result)
    repeated.repeats = len(pairs) - len(result)
    return repeated


def _integer(digits: str) -> int | LongInteger:
    # Python converts no more than 4,300 digits, and no number beyond 64 bits is needed as one.
    return int(digits) if len(digits) <= LONGEST_WITHIN_64_BITS else LongInteger(digits)
