"""Trace and span ids as lower-case hex, however they are written."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from agentlogger.intake.shown import shown
from agentlogger.intake.storable import Adjustments

TRACE_ID_BYTES: Final = 16
SPAN_ID_BYTES: Final = 8

HEX: Final = re.compile(r"[0-9a-fA-F]+")

RULES: Final = {TRACE_ID_BYTES: "trace_id.invalid", SPAN_ID_BYTES: "span_id.invalid"}


def from_bytes(raw: bytes, size: int, notes: Adjustments) -> str:
    """An id of `size` bytes as protobuf carries it; "" where there is none or it is none."""
    if not raw:
        return ""
    if len(raw) != size or not any(raw):
        notes.note(RULES[size], sent=raw[:200].hex())
        return ""
    return raw.hex()


def from_text(given: Any, size: int, notes: Adjustments) -> str:
    """An id of `size` bytes as JSON carries it; "" where there is none or it is none.

    OTLP/JSON asks for hex; some exporters write base64, as JSON does with all other bytes.
    """
    if given is None or given == "":
        return ""
    if isinstance(given, str):
        if len(given) == size * 2 and HEX.fullmatch(given) and given.strip("0"):
            return given.lower()
        raw = _from_base64(given)
        if len(raw) == size and any(raw):
            notes.note("id.base64", sent=given)
            return raw.hex()
    notes.note(RULES[size], sent=given if isinstance(given, str) else shown(given))
    return ""


def _from_base64(given: str) -> bytes:
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return b""
