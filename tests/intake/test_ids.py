"""Trace and span ids: hex in any case, base64 by mistake, and none where they are none."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from agentlogger.intake import ids
from agentlogger.intake.storable import Adjustments

TRACE = "5b8efff798038103d269b633813fc60c"
SPAN = "eee19b7ec3c1b174"


def from_text(given: Any, size: int = ids.TRACE_ID_BYTES) -> tuple[str, dict[str, Any] | None]:
    notes = Adjustments()
    return ids.from_text(given, size, notes), notes.as_column()


@pytest.mark.parametrize("given", [TRACE, TRACE.upper(), TRACE.title()])
def test_hex_is_read_in_any_case(given: str) -> None:
    assert from_text(given) == (TRACE, None)


@pytest.mark.parametrize("given", [None, ""])
def test_no_id_is_no_mistake(given: str | None) -> None:
    assert from_text(given) == ("", None)
    notes = Adjustments()
    assert ids.from_bytes(b"", ids.TRACE_ID_BYTES, notes) == ""
    assert notes.counts == {}


@pytest.mark.parametrize(("id_hex", "size"), [(TRACE, 16), (SPAN, 8)])
def test_base64_is_read_and_marked(id_hex: str, size: int) -> None:
    given = base64.b64encode(bytes.fromhex(id_hex)).decode()
    found, marks = from_text(given, size)
    assert found == id_hex
    assert marks == {"id.base64": {"count": 1, "sent": given}}


@pytest.mark.parametrize(
    "given",
    [
        "0" * 32, TRACE[:-1], TRACE + "0", TRACE[:24], TRACE[:12], "g" * 32, "A" * 22 + "==",
        "٣" * 32, f" {TRACE}", f"{TRACE}\n", "\ud800", "x" * 500,
        5, True, ["a"], {"a": 1}, 0, False,
    ],
)  # fmt: skip
def test_what_is_no_id_counts_as_absent_and_is_kept_on_the_mark(given: Any) -> None:
    found, marks = from_text(given)
    assert found == ""
    assert marks is not None
    assert marks["trace_id.invalid"]["count"] == 1
    assert marks["trace_id.invalid"]["sent"]


def test_a_span_id_has_its_own_rule() -> None:
    assert from_text(TRACE, ids.SPAN_ID_BYTES)[1] == {
        "span_id.invalid": {"count": 1, "sent": TRACE}
    }


@pytest.mark.parametrize("raw", [b"\1" * 15, b"\1" * 17, b"\1" * 24, bytes(16), b"\0"])
def test_bytes_of_another_length_or_all_zero_count_as_absent(raw: bytes) -> None:
    notes = Adjustments()
    assert ids.from_bytes(raw, ids.TRACE_ID_BYTES, notes) == ""
    assert notes.as_column() == {"trace_id.invalid": {"count": 1, "sent": raw.hex()}}


def test_bytes_become_hex() -> None:
    assert ids.from_bytes(bytes.fromhex(SPAN), ids.SPAN_ID_BYTES, Adjustments()) == SPAN
