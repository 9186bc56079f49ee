"""Protobuf and JSON are two writings of one export: they must become the same records."""

from __future__ import annotations

from dataclasses import asdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlogger.intake import batches
from agentlogger.intake.record import Batch
from tests.intake.drawn_exports import resources
from tests.intake.exports import Resource, json_text, protobuf

RECEIVED = 1_795_331_040_000_000_000


def told(batch: Batch) -> str:
    """A batch with the types of its values: 1, 1.0 and True are not the same."""
    return repr([asdict(each) for each in batch.records] + sorted(batch.adjusted.items()))


# `make promises` draws a hundred thousand of them.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(resources, max_size=2))
def test_the_same_export_becomes_the_same_records(export: list[Resource]) -> None:
    of_protobuf = batches.from_otlp_protobuf(protobuf(export), RECEIVED)
    of_json = batches.from_otlp_json(json_text(export), RECEIVED)
    assert told(of_protobuf) == told(of_json)
    sent = sum(len(scope.records) for resource in export for scope in resource.scopes)
    assert len(of_protobuf.records) == sent
