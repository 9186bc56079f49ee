"""The rows of records that were sent, whichever encoding they came in."""

from __future__ import annotations

from typing import Any

from agentlogger.intake import batches
from agentlogger.intake.record import Record
from tests.intake.exports import Map, Resource, Scope, json_text, protobuf
from tests.intake.exports import Record as Given

RECEIVED = 1_795_331_040_000_000_000
OBSERVED = 1_795_331_039_500_000_000


def rows(
    *records: Given, scope: str = "", resource: dict[str, Any] | None = None, **around: Any
) -> list[Record]:
    """The rows of an export, which are the same from both encodings."""
    wrapper = Resource(
        attributes=Map((resource or {}).items()),
        scopes=[Scope(name=scope, records=list(records), **around)],
    )
    found = batches.from_otlp_protobuf(protobuf([wrapper]), RECEIVED).records
    assert found == batches.from_otlp_json(json_text([wrapper]), RECEIVED).records
    return found
