"""The shapes of saved searches: one as it is sent, renamed and read."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from agentlogger.limits import QUERY_CHARACTERS, SEARCH_NAME_CHARACTERS
from agentlogger.schemas.arguments import read_fields
from agentlogger.schemas.asked import AskedSchema
from agentlogger.schemas.known import KnownSchema
from agentlogger.schemas.moments import Iso
from agentlogger.schemas.texts import plain_text


class Name(fields.String):
    """A title on a line: without spaces around it, and none that is empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=True, validate=validate.Length(min=1, max=SEARCH_NAME_CHARACTERS), **kwargs
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = plain_text(super()._deserialize(value, attr, data, **kwargs)).strip()
        if not text.isprintable():
            raise ValidationError("A name stands on one line, and has no control characters.")
        return text


class SearchNameSchema(KnownSchema):
    """Another name for a saved search."""

    name = Name(metadata={"description": "Unique in the project."})


class NewSearchSchema(SearchNameSchema):
    """A search to save."""

    query = fields.String(
        required=True,
        validate=validate.Length(max=QUERY_CHARACTERS),
        metadata={"description": "A query, as in docs/query-language.md, without a hint."},
    )


class SavedSearchSchema(Schema):
    """A saved search."""

    id = fields.UUID()
    name = fields.String()
    query = fields.String()
    created_by = fields.String(metadata={"description": "An account or a key, as text."})
    created_time = Iso("created_ns")


class SearchScopeSchema(AskedSchema):
    """Whose saved searches are meant."""

    project = fields.String(
        metadata={"description": "A project's name, for who is signed in; a key has its own."}
    )


class SavedSearchesSchema(Schema):
    """Every saved search of a project, by name."""

    items = fields.List(fields.Nested(SavedSearchSchema))


def read_new_search(given: Any) -> dict[str, str]:
    """A search to save, from JSON. Raises QueryInvalid, which says what is wrong with each part."""
    read: dict[str, str] = read_fields(NewSearchSchema(), given)
    return read | {"query": plain_text(read["query"])}


def read_search_name(given: Any) -> str:
    """Another name, from JSON. Raises QueryInvalid."""
    name: str = read_fields(SearchNameSchema(), given)["name"]
    return name
