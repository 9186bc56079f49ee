"""The JSON API of saved searches: save, list, rename, delete.

Whoever may read may save what they look for. The text of a search cannot be changed: what is built
on it would ask for something else without a word.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import url_for
from flask_smorest import Blueprint

from agentlogger.blueprints.bodies import body_of, incoming_fields
from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.users import refuse_forged, who
from agentlogger.errors import SearchMissing
from agentlogger.schemas.searches import (
    NewSearchSchema,
    SavedSearchesSchema,
    SavedSearchSchema,
    SearchNameSchema,
    SearchScopeSchema,
    read_new_search,
    read_search_name,
)
from agentlogger.store import searches as store
from agentlogger.store.rows import Row

searches = Blueprint("searches", __name__, url_prefix="/api/v1", description="Saved searches")


@searches.route("/searches", methods=["GET"])
@searches.arguments(SearchScopeSchema, location="query", unknown=None)
@searches.response(200, SavedSearchesSchema)
@searches.doc(summary="List saved searches, by name")
@needs("read")
def list_searches(asked: dict[str, Any]) -> dict[str, list[Row]]:
    """Every saved search of the caller's project."""
    del asked
    return {"items": store.all_of(caller().scope)}


@searches.route("/searches", methods=["POST"])
@searches.arguments(SearchScopeSchema, location="query", unknown=None)
@searches.response(
    201,
    SavedSearchSchema,
    headers={"Location": {"description": "Where it is", "schema": {"type": "string"}}},
)
@searches.alt_response(400, description="The body is no JSON")
@searches.alt_response(409, description="The name is taken, or there is no room for more")
@searches.alt_response(413, description="The body is too large")
@searches.alt_response(415, description="Another media type than application/json")
@searches.doc(
    summary="Save a search",
    description="A query of which a part means nothing is refused, with the hints of a list.",
    requestBody=body_of(NewSearchSchema),
)
@needs("read")
def save_search(asked: dict[str, Any]) -> tuple[Row, int, dict[str, str]]:
    """Keep a query under a name."""
    del asked
    refuse_forged()
    wanted = read_new_search(incoming_fields())
    row = store.create(caller().scope, created_by=who(), **wanted)
    return row, 201, {"Location": url_for("searches.one_search", identifier=row["id"])}


@searches.route("/searches/<identifier>", methods=["GET"])
@searches.arguments(SearchScopeSchema, location="query", unknown=None)
@searches.response(200, SavedSearchSchema)
@searches.alt_response(404, description="No such saved search in this project")
@searches.doc(summary="One saved search")
@needs("read")
def one_search(asked: dict[str, Any], identifier: str) -> Row:
    """One saved search by its id."""
    del asked
    return _found(store.one(caller().scope, _id(identifier)), identifier)


@searches.route("/searches/<identifier>", methods=["PATCH"])
@searches.arguments(SearchScopeSchema, location="query", unknown=None)
@searches.response(200, SavedSearchSchema)
@searches.alt_response(400, description="The body is no JSON")
@searches.alt_response(404, description="No such saved search in this project")
@searches.alt_response(409, description="The name is taken")
@searches.alt_response(413, description="The body is too large")
@searches.alt_response(415, description="Another media type than application/json")
@searches.doc(summary="Rename a saved search", requestBody=body_of(SearchNameSchema))
@needs("read")
def rename_search(asked: dict[str, Any], identifier: str) -> Row:
    """Give a saved search another name."""
    del asked
    refuse_forged()
    name = read_search_name(incoming_fields())
    return _found(store.rename(caller().scope, _id(identifier), name), identifier)


@searches.route("/searches/<identifier>", methods=["DELETE"])
@searches.arguments(SearchScopeSchema, location="query", unknown=None)
@searches.response(204)
@searches.alt_response(404, description="No such saved search in this project")
@searches.doc(summary="Delete a saved search")
@needs("read")
def delete_search(asked: dict[str, Any], identifier: str) -> None:
    """Delete a saved search."""
    del asked
    refuse_forged()
    if not store.remove(caller().scope, _id(identifier)):
        raise _missing(identifier)


def _id(identifier: str) -> uuid.UUID:
    try:
        return uuid.UUID(identifier)
    except ValueError:
        raise _missing(identifier) from None


def _found(row: Row | None, identifier: str) -> Row:
    if row is None:
        raise _missing(identifier)
    return row


def _missing(identifier: str) -> SearchMissing:
    return SearchMissing(
        f"No saved search has the id {identifier[:100]!r} in this project: it was deleted, or is "
        "another project's. GET /api/v1/searches lists them."
    )
