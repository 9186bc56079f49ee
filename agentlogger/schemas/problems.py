"""RFC 9457: the shape of an error."""

from __future__ import annotations

from marshmallow import Schema, fields


class ProblemSchema(Schema):
    """application/problem+json."""

    type = fields.String(metadata={"description": "A name of the problem's kind, as a URN."})
    title = fields.String(metadata={"description": "The kind of problem in a few words."})
    status = fields.Integer(metadata={"description": "The HTTP status."})
    code = fields.String(metadata={"description": "A stable code to program against."})
    detail = fields.String(metadata={"description": "What, why, and what to do next."})
    request_id = fields.String(
        metadata={"description": "The request's X-Request-ID, by which the server's log knows it."}
    )
    errors = fields.Dict(metadata={"description": "Parameters or records: which, and why."})
