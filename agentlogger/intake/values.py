"""How many values a body holds, counted before any is made: 64 MiB of `[],` become gigabytes.

A body is refused that holds more than `limits.VALUES`. What counts is the number of objects that
reading would make, seen from the bytes alone: that takes a hundredth of the time of reading. Only
bodies that are long enough to hold so many are looked at.
"""

from __future__ import annotations

import re

from agentlogger.errors import BodyTooLarge
from agentlogger.limits import LENGTH, VALUES

STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)

TINY = 9
"""Parts of protobuf with fewer bytes than these are counted: longer ones have room for less than a
tenth of a body's bytes. A tab is the ninth control character, and stands behind a line's end in
much that agents read."""


def _kinds() -> bytes:
    """For each byte, what it may be in protobuf's wire format.

    T begins a field with a length, of a number under 16; U the same with more bytes than it needs;
    S is a length under TINY, in one byte or in more than it needs.
    """
    kinds = bytearray(b"." * 256)
    for byte in range(256):
        if byte % 8 == 2 and byte % 128 > 8:  # noqa: PLR2004  (wire type 2, and no field is 0)
            kinds[byte] = ord("T") if byte < 128 else ord("U")  # noqa: PLR2004  (seven bits)
        elif byte % 128 < TINY:
            kinds[byte] = ord("S")
    return bytes(kinds)


KINDS = _kinds()


def bound_json(body: bytes) -> None:
    """Refuse a JSON text, or lines of it, with too many values. Raises BodyTooLarge."""
    if len(body) <= VALUES:
        return
    count = _punctuation(body, 0, len(body))
    if count <= VALUES:
        return
    # What stands in texts is no value: an agent's files are full of brackets. A value has a name
    # and a text at most, so many texts are many values, and need not be looked at.
    for number, text in enumerate(STRING.finditer(body)):
        count -= _punctuation(body, *text.span())
        if count <= VALUES:
            return
        if number > 2 * VALUES:
            break
    raise _too_many()


def _punctuation(body: bytes, start: int, end: int) -> int:
    return (
        body.count(b",", start, end) + body.count(b"{", start, end) + body.count(b"[", start, end)
    )


def bound_protobuf(body: bytes) -> None:
    """Refuse an export in protobuf with too many tiny parts. Raises BodyTooLarge."""
    if len(body) <= 2 * VALUES:
        return
    kinds = body.translate(KINDS)
    if kinds.count(b"TS") + kinds.count(b"USS") > VALUES:
        raise _too_many()


def bound_length(length: int) -> None:
    """Refuse a list or a map with too many elements. Raises BodyTooLarge."""
    if length > LENGTH:
        raise BodyTooLarge(
            f"A list or a map in the body has more than {LENGTH:,} elements, so nothing of it was "
            "stored: send them in several."
        )


def _too_many() -> BodyTooLarge:
    return BodyTooLarge(
        f"The body holds more than {VALUES:,} values, so nothing of it was stored: send fewer "
        "records in one request."
    )
