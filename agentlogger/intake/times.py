"""Times as clients write them, in nanoseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from agentlogger.limits import TIME_MAX_NS, TIME_MIN_NS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ISO_8601 = re.compile(
    r"(?P<seconds>\d{4}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):\d\d:\d\d)"
    r"(?:[.,](?P<fraction>\d{1,30}))?"
    r"\s?(?P<zone>Z|z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)


def in_range(ts_ns: int) -> bool:
    """Whether a time lies between 1970 and 2262, where both databases can hold it."""
    return TIME_MIN_NS <= ts_ns <= TIME_MAX_NS


def from_iso(text: str) -> int | None:
    """ISO 8601 to nanoseconds, all nine digits kept; None where the text is none.

    A time without a zone is UTC: OpenTelemetry's are, and the zone of a server is nobody's guess.
    A leap second is read as the second before it.
    """
    match = ISO_8601.fullmatch(text.strip())
    if match is None:
        return None
    zone = (match["zone"] or "Z").upper()
    seconds = match["seconds"].replace(" ", "T")
    if seconds.endswith(":60"):
        seconds = seconds[:-2] + "59"
    try:
        moment = datetime.fromisoformat(seconds + zone.replace("Z", "+00:00"))
        whole = moment - EPOCH
    except (ValueError, OverflowError):
        return None
    fraction = int(((match["fraction"] or "") + "0" * 9)[:9])
    return (whole.days * 86_400 + whole.seconds) * 10**9 + fraction


def storable_or_text(text: str) -> int | str:
    """ISO 8601 to nanoseconds where both databases can hold them, else the text as it is."""
    written = from_iso(text)
    return text if written is None or not in_range(written) else written


def to_iso(ts_ns: int) -> str:
    """Nanoseconds as ISO 8601 with nine digits, UTC."""
    seconds, fraction = divmod(ts_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
