"""How far the index of words is behind, as the answer to a search says it."""

from __future__ import annotations

from marshmallow import Schema, fields


class TextIndexSchema(Schema):
    """What the index does not have yet: searches look at each of these records, and find the same.

    The time it takes is all that differs.
    """

    begun = fields.Boolean(
        metadata={"description": "Whether there is one; else every record is looked at."}
    )
    records_behind = fields.Integer(
        metadata={"description": "Records that came and are not indexed; some always are not."}
    )
    seconds_behind = fields.Float(
        metadata={"description": "How long ago the oldest of a whole window of them came."}
    )
    before = fields.String(
        allow_none=True,
        metadata={"description": "Records from before this time are not indexed yet."},
    )
    note = fields.String(
        allow_none=True,
        metadata={"description": "The same as a sentence, where it makes a search slower."},
    )
