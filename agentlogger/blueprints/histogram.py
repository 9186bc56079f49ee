"""The JSON API of histograms: how many records there were when, and how severe."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import wanted_of
from agentlogger.schemas.histogram import HistogramQuerySchema, HistogramSchema
from agentlogger.store import histogram as store

histogram = Blueprint(
    "histogram", __name__, url_prefix="/api/v1", description="Records counted by time"
)


@histogram.route("/histogram", methods=["GET"])
@histogram.arguments(HistogramQuerySchema(), location="query", unknown=None)
@histogram.response(200, HistogramSchema)
@histogram.doc(
    summary="Count records by time and severity",
    description="The records that a list with the same parameters has. Where counting them all "
    "takes too long, the newest buckets are given, each of them exact.",
)
@needs("read")
def count_by_time(asked: dict[str, Any]) -> dict[str, Any]:
    """Count records in buckets of time."""
    return counted(asked)


def counted(asked: dict[str, Any]) -> dict[str, Any]:
    """A histogram for arguments that HistogramQuerySchema has read.

    Raises QueryTooLarge, QueryTooSlow.
    """
    wanted, hints = wanted_of(asked)
    found = store.of_records(caller().scope, wanted, buckets=asked["buckets"])
    if found is None:
        return {
            "bucket_ns": None, "records": 0, "exact": True, "counted_from_ns": None, "items": [],
            "hints": hints,
        }  # fmt: skip
    first = found.counted_from_ns // found.bucket_ns * found.bucket_ns
    items = [
        {"ts_ns": start, "records": sum(severities.values()), "severities": severities}
        for start in range(first, found.to_ns, found.bucket_ns)
        for severities in (found.counts.get(start, {}),)
    ]
    return {
        "bucket_ns": found.bucket_ns,
        "records": sum(item["records"] for item in items),
        "exact": found.counted_from_ns == found.from_ns,
        "counted_from_ns": found.counted_from_ns,
        "items": items,
        "hints": hints,
    }
