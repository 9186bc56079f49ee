"""Ids: made by the application, so that no database has to be asked and none can run out.

A record's key within its project is its time and a 63-bit number: 48 random bits for each block of
records, then 15 bits that rise within it. Records of one request with equal times so keep their
order, and two blocks meet only if both the nanosecond and the 48 bits are equal.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from itertools import islice

RANDOM_BITS = 48
RISING_BITS = 15
PUBLIC_CHARACTERS = 26


def new_record_ids(count: int) -> Iterator[int]:
    """Ids for the records of one request, in their order."""
    return islice(_blocks(), count)


def _blocks() -> Iterator[int]:
    while True:
        block = secrets.randbits(RANDOM_BITS) << RISING_BITS
        yield from range(block, block + (1 << RISING_BITS))


def new_project_id() -> int:
    """A number for a project: small enough to be short in every row, seldom taken already."""
    return secrets.randbelow(2**31 - 2) + 2


def public_id(ts_ns: int, record_id: int) -> str:
    """A record's id for people and programs: 26 letters and digits that sort by time.

    It holds the time, so that finding the record opens the one partition that it can be in.
    """
    raw = ts_ns.to_bytes(8) + record_id.to_bytes(8)
    return base64.b32hexencode(raw).rstrip(b"=").lower().decode()


def parse_public_id(text: str) -> tuple[int, int] | None:
    """The time and number in a public id, or None where the text is none."""
    if len(text) != PUBLIC_CHARACTERS or not text.isascii():
        return None
    try:
        raw = base64.b32hexdecode(text + "======", casefold=True)
    except binascii.Error:
        return None
    ts_ns, record_id = int.from_bytes(raw[:8]), int.from_bytes(raw[8:])
    in_range = max(ts_ns, record_id) < 2**63
    return (ts_ns, record_id) if in_range and public_id(ts_ns, record_id) == text.lower() else None
