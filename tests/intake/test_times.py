"""ISO 8601 to nanoseconds and back: no digit lost, no zone guessed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlogger.intake import times
from agentlogger.limits import TIME_MAX_NS, TIME_MIN_NS


@settings(max_examples=200)
@given(st.integers(TIME_MIN_NS, TIME_MAX_NS))
def test_every_time_that_can_be_stored_is_written_and_read_exactly(ts_ns: int) -> None:
    assert times.from_iso(times.to_iso(ts_ns)) == ts_ns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T00:00:01", 10**9),
        ("1970-01-01 00:00:01.5", 1_500_000_000),
        ("1970-01-01T00:00:01,25z", 1_250_000_000),
        ("1970-01-01T05:30:01+05:30", 10**9),
        ("1970-01-01T00:00:01 +0000", 10**9),
        ("1969-12-31T23:00:01-01:00", 10**9),
        ("1970-01-01T00:00:00.123456789123Z", 123_456_789),
        ("2016-12-31T23:59:60Z", 1_483_228_799 * 10**9),
        ("2262-04-11T23:47:16.854775807Z", TIME_MAX_NS),
        (" 1970-01-01T00:00:01Z\n", 10**9),
    ],
)
def test_iso_is_read_as_it_is_written_in_the_wild(text: str, expected: int) -> None:
    assert times.from_iso(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2026-11-22", "2026-11-22T10:00Z", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:61:00Z",
        "2026-11-22T10:00:61Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "2026-11-22T10:00:00+24:00", "2026-11-22T10:00:00 Europe/Berlin", "٢٠٢٦-11-22T10:00:00Z",
        "2026-11-22T10:00:00.Z", "1795331040", "\0",
    ],
)  # fmt: skip
def test_what_is_no_iso_is_none(text: str) -> None:
    assert times.from_iso(text) is None
    assert times.storable_or_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z", "2262-04-11T23:47:16.854775808Z",
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_stored_stays_its_text(text: str) -> None:
    assert times.storable_or_text(text) == text


@pytest.mark.parametrize(
    ("ts_ns", "expected"),
    [(-1, False), (0, False), (1, True), (2**63 - 1, True), (2**63, False), (2**64 - 1, False)],
)
def test_the_range_of_times_is_exact(ts_ns: int, *, expected: bool) -> None:
    assert times.in_range(ts_ns) is expected
