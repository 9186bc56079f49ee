"""JSON read without losing anything: big integers, NaN, lone surrogates, equal keys.

orjson is several times faster and refuses or rounds all of these. The standard library reads them;
its hooks here keep integers too long for Python's own limit as text, and say which objects had
equal keys.
"""

from __future__ import annotations

import json
from typing import Any

from agentlogger.errors import BodyUndecodable

LONGEST_INTEGER = 4_000
"""Digits that Python converts without complaint; longer ones stay text."""


class Repeated(dict[str, Any]):
    """An object in which keys came more than once; the last values won."""

    repeats: int = 0


def loads(body: bytes | str) -> Any:
    """The value of a JSON text in UTF-8. Raises BodyUndecodable."""
    try:
        text = body if isinstance(body, str) else body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BodyUndecodable(
            f"The body is not UTF-8 (byte {fault.start}), so nothing of it was read: JSON is sent "
            "in UTF-8."
        ) from None
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError:
        raise BodyUndecodable(
            "The body nests too deeply to be read: send flatter values."
        ) from None
    except json.JSONDecodeError as fault:
        raise BodyUndecodable(
            f"The body is not JSON ({fault.msg} at character {fault.pos}), so nothing of it was "
            "read: check what the client sends."
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    repeated = Repeated(result)
    repeated.repeats = len(pairs) - len(result)
    return repeated


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_INTEGER else digits
