"""Identities: what makes a record the same as another, as bytes that stand near their like.

Identities of one time or one trace begin alike. So those of one request come to lie together in a
database's index, which writes a few pages for them, where digests touch a page each.
"""

from __future__ import annotations

import hashlib

PLACE_BYTES = 8
"""Bytes before the digest, which say where among others an identity stands."""

KIND_CHARACTERS = 8
"""An id may say of what it is, up to a "_" that is one of its first characters: "trace_", "req_".
That tells nothing apart."""

MILLISECOND_DIGITS = 17
"""Digits of a time to the millisecond, such as 20261127101530123; as a number it has 8 bytes."""

BETWEEN_DIGITS = b"-:TZ. +"


def identity(kind: str, value: str) -> bytes:
    """What is known by an id of this kind: the ids that begin alike stand together."""
    start = value.find("_", 0, KIND_CHARACTERS) + 1
    return _place(value[start : start + PLACE_BYTES]) + _digest(f"{kind}\0{value}")


def dated(name: str, time: str) -> bytes:
    """What is known by a name of which a time is part, as ISO 8601 writes it: by that time."""
    digits = time.encode("utf-8", "surrogatepass").translate(None, BETWEEN_DIGITS)
    digits = digits[:MILLISECOND_DIGITS]
    place = int(digits).to_bytes(PLACE_BYTES) if digits.isdigit() else _place(time[:PLACE_BYTES])
    return place + _digest(name)


def digest_of(identity: bytes) -> bytes:
    """The digest in an identity: older programs know a record by it alone."""
    return identity[PLACE_BYTES:]


def _place(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")[:PLACE_BYTES].ljust(PLACE_BYTES, b"\0")


def _digest(name: str) -> bytes:
    """As long as clients' texts are; two kinds never have one name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
