"""The JSON API of facets: which values the keys of records have, and how many records each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask_smorest import Blueprint

from agentlogger.blueprints.gate import caller, needs
from agentlogger.blueprints.logs import wanted_of
from agentlogger.errors import QueryInvalid
from agentlogger.intake.severity import band_name
from agentlogger.query.keys import Key, Kind, known, nearest
from agentlogger.schemas.facets import USUAL_KEYS, FacetQuerySchema, FacetsSchema
from agentlogger.store import facets as store
from agentlogger.store.facets import Value

facets = Blueprint("facets", __name__, url_prefix="/api/v1", description="Values of records")

COUNTED = (Kind.NAME, Kind.ID, Kind.LEVEL, Kind.FLAG)
"""The kinds of keys of which many records have the same value."""


@facets.route("/facets", methods=["GET"])
@facets.arguments(FacetQuerySchema(), location="query", unknown=None)
@facets.response(200, FacetsSchema)
@facets.doc(
    summary="Count the values of keys",
    description="In the records that a list with the same parameters has, the newest first: all of "
    "them, or as many as may be looked at, and the answer says which.",
)
@needs("read")
def count_values(asked: dict[str, Any]) -> dict[str, Any]:
    """Count the values of keys in records."""
    return valued(asked)


def valued(asked: dict[str, Any]) -> dict[str, Any]:
    """Facets for arguments that FacetQuerySchema has read.

    Raises QueryInvalid, QueryTooLarge, QueryTooSlow.
    """
    wanted, hints = wanted_of(asked)
    keys = _keys(asked["keys"] or USUAL_KEYS)
    found = store.of_records(caller().scope, wanted, keys)
    sampled = "time" if found.is_over else "records"
    return {
        "records": found.records,
        "exact": found.since_ns is None,
        "sampled": None if found.since_ns is None else sampled,
        "since_ns": found.since_ns,
        "items": [
            _facet(key, counted, asked["values"])
            for key, counted in zip(keys, found.counts, strict=True)
        ],
        "hints": hints,
    }


def _keys(names: Sequence[str]) -> list[Key]:
    """The keys of these names, each once. Raises QueryInvalid."""
    found: dict[str, Key] = {}
    for name in names:
        key = known(name)
        if key is None:
            meant = ", ".join(nearest(name))
            told = f"did you mean {meant}?" if meant else "docs/query-language.md has them all."
            raise QueryInvalid(f"{name[:100]!r} is no key of the query language: {told}")
        if key.kind not in COUNTED:
            raise QueryInvalid(
                f"The values of {key.name!r} are not counted, since hardly two are the same: ask "
                "for a key that is a name, an id, a level or a flag."
            )
        found[key.name] = key
    return list(found.values())


def _facet(key: Key, counted: Counter[Value], most: int) -> dict[str, Any]:
    values: Counter[str] = Counter()
    for value, records in counted.items():
        if value is not None:
            values[band_name(int(value)) if key.kind is Kind.LEVEL else value] += records
    listed = sorted(values.items(), key=lambda one: (-one[1], one[0]))[:most]
    return {
        "key": key.name,
        "values": [{"value": value, "records": records} for value, records in listed],
        "distinct": len(values),
        "others": values.total() - sum(records for _, records in listed),
        "without": counted[None],
    }
