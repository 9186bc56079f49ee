"""The shapes of a histogram: which records it counts, and how many there were when."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from agentlogger.intake.severity import BANDS, band_name
from agentlogger.limits import BUCKETS, BUCKETS_MAX
from agentlogger.schemas.logs import LogFilterSchema
from agentlogger.schemas.moments import Digits, Iso


class HistogramQuerySchema(LogFilterSchema):
    """Which records to count, and how finely."""

    buckets = fields.Integer(
        load_default=BUCKETS,
        validate=validate.Range(min=1, max=BUCKETS_MAX),
        metadata={"description": "At most; as many as the shortest time of the ladder makes."},
    )
    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class BucketSchema(Schema):
    """The records of one bucket, by severity."""

    time = Iso("ts_ns", metadata={"description": "Its beginning, a multiple of its length."})
    ts_ns = Digits()
    records = fields.Integer()
    levels = fields.Method(
        "_levels",
        metadata={
            "type": "object",
            "description": f"How many of each level: {', '.join(BANDS)}; none that is 0.",
        },
    )

    def _levels(self, row: dict[str, Any]) -> dict[str, int]:
        levels: dict[str, int] = {}
        for number, records in sorted(row["severities"].items()):
            name = band_name(number)
            levels[name] = levels.get(name, 0) + records
        return levels


class HistogramSchema(Schema):
    """Records by time and severity."""

    bucket_ns = fields.Integer(
        allow_none=True, metadata={"description": "How long a bucket is; null without any."}
    )
    records = fields.Integer(metadata={"description": "All that were counted."})
    exact = fields.Boolean(
        metadata={"description": "Whether all of the time was counted, or only its newest part."}
    )
    counted_from = Iso(
        "counted_from_ns",
        allow_none=True,
        metadata={"description": "Since when it is exact: what lies before was not counted."},
    )
    items = fields.List(
        fields.Nested(BucketSchema),
        metadata={"description": "Every bucket that was counted, also those without records."},
    )
    hints = fields.List(
        fields.String(),
        metadata={"description": "What of q was searched for as text, and what was meant."},
    )
