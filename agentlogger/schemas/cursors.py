"""Cursors: where a page ended, opaque to clients, and only good for the query that made them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from agentlogger.errors import CursorInvalid

KEY_BYTES = 16
MARK_BYTES = 6


def encode_cursor(ts_ns: int, record_id: int, query: dict[str, Any]) -> str:
    """The cursor behind the record with this key, for this query."""
    raw = ts_ns.to_bytes(8) + record_id.to_bytes(8) + _mark(query)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(text: str, query: dict[str, Any]) -> tuple[int, int]:
    """The key in a cursor. Raises CursorInvalid where it is none, or another query's."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES + MARK_BYTES:
        raise CursorInvalid("The cursor is none of this server's: begin again without one.")
    if raw[KEY_BYTES:] != _mark(query):
        raise CursorInvalid(
            "The cursor belongs to a query with other filters: repeat that one's, or begin again "
            "without a cursor."
        )
    ts_ns, record_id = int.from_bytes(raw[:8]), int.from_bytes(raw[8:KEY_BYTES])
    if max(ts_ns, record_id) >= 2**63:
        raise CursorInvalid("The cursor is none of this server's: begin again without one.")
    return ts_ns, record_id


def _mark(query: dict[str, Any]) -> bytes:
    """A fingerprint of the filters as written: a relative time stays the same on every page."""
    written = repr(sorted((key, str(value)) for key, value in query.items()))
    return hashlib.sha256(written.encode()).digest()[:MARK_BYTES]
