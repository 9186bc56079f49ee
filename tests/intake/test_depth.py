"""Deep values are cut at 64 levels and marked, alike in both encodings; none costs a batch.

The protobuf library stops at 100 messages, which is 33 maps; the standard library's JSON reader
stops where Python's stack ends. Neither may be seen from outside.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agentlogger.errors import BodyUndecodable
from agentlogger.intake import batches, deep_protobuf
from agentlogger.intake.record import Batch
from agentlogger.limits import DEPTH
from tests.intake.exports import (
    Map,
    Record,
    Resource,
    Scope,
    json_record,
    json_text,
    part,
    protobuf,
    protobuf_record,
)

RECEIVED = 1_795_331_040_000_000_000
LEVELS = [1, 23, 24, 25, 32, 33, 34, 47, 48, 49, 50, 62, 63, 64, 65, 66, 70, 100, 1_000]

Wrap = Callable[[bytes, int], bytes]


def in_list(inner: bytes) -> bytes:
    """An AnyValue on the wire, in a list."""
    return part(5, part(1, inner))


def in_map(inner: bytes) -> bytes:
    return part(6, part(1, part(1, b"k") + part(2, inner)))


def json_in_list(inner: str) -> str:
    return f'{{"arrayValue":{{"values":[{inner}]}}}}'


def json_in_map(inner: str) -> str:
    return f'{{"kvlistValue":{{"values":[{{"key":"k","value":{inner}}}]}}}}'


def mixed(index: int, of_list: Any, of_map: Any) -> Any:
    return of_map if index % 3 else of_list


SHAPES = {
    "lists": lambda _index, of_list, _of_map: of_list,
    "maps": lambda _index, _of_list, of_map: of_map,
    "both": mixed,
}


def protobuf_export(shape: str, levels: int, place: str) -> bytes:
    """Three records on the wire; the one in the middle has a value of so many levels."""
    value = part(1, b"bottom")
    for index in range(levels):
        value = SHAPES[shape](index, in_list, in_map)(value)
    deep = part(5, value) if place == "body" else part(6, part(1, b"k") + part(2, value))
    first, last = (protobuf_record(Record(body=text)) for text in ("first", "last"))
    scope = part(2, first) + part(2, protobuf_record(Record()) + deep) + part(2, last)
    return part(1, part(2, scope))


def json_export(shape: str, levels: int, place: str) -> bytes:
    value = '{"stringValue":"bottom"}'
    for index in range(levels):
        value = SHAPES[shape](index, json_in_list, json_in_map)(value)
    deep = f'"body":{value}' if place == "body" else f'"attributes":[{{"key":"k","value":{value}}}]'
    first, last = (json.dumps(json_record(Record(body=text))) for text in ("first", "last"))
    records = f"{first},{{{deep}}},{last}"
    return f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}'.encode()


def read_otlp(encoding: str, shape: str, levels: int, place: str) -> Batch:
    if encoding == "protobuf":
        return batches.from_otlp_protobuf(protobuf_export(shape, levels, place), RECEIVED)
    return batches.from_otlp_json(json_export(shape, levels, place), RECEIVED)


def bottom(value: Any) -> tuple[Any, int]:
    """What lies at the bottom of nested lists and maps, and how deep."""
    levels = 0
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else value["k"]
        levels += 1
    return value, levels


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", ["body", "attribute"])
@pytest.mark.parametrize("levels", LEVELS)
def test_a_value_keeps_sixty_four_levels_and_its_neighbours_everything(
    encoding: str, shape: str, place: str, levels: int
) -> None:
    batch = read_otlp(encoding, shape, levels, place)
    first, deep, last = batch.records
    assert (first.body, last.body) == ("first", "last")
    assert (first.adjustments, last.adjustments) == (None, None)
    column, outside = (deep.body, 0) if place == "body" else (deep.attributes, 1)
    if levels + outside <= DEPTH:
        assert bottom(column) == ("bottom", levels + outside)
        assert deep.adjustments is None
    else:
        assert bottom(column) == (None, DEPTH)
        assert deep.adjustments == {"depth.cut": {"count": 1}}


@pytest.mark.parametrize("lines", [False, True], ids=["an array", "lines"])
@pytest.mark.parametrize("kind", ["[{}]", '{{"k":{}}}'], ids=["lists", "maps"])
@pytest.mark.parametrize("levels", [64, 65, 300, 399, 400, 401, 1_000, 5_000])
def test_plain_json_is_cut_the_same_way(levels: int, kind: str, *, lines: bool) -> None:
    before, after = kind.split("{}") if "k" not in kind else ('{"k":', "}")
    value = before * levels + '"bottom"' + after * levels
    records = ['{"message":"first"}', f'{{"message":{value}}}', '{"message":"last"}']
    body = "\n".join(records) if lines else f"[{','.join(records)}]"
    first, deep, last = batches.from_native(body.encode(), RECEIVED, lines=lines).records
    assert (first.body, last.body) == ("first", "last")
    if levels <= DEPTH:
        assert bottom(deep.body) == ("bottom", levels)
    else:
        assert bottom(deep.body) == (None, DEPTH)
        assert deep.adjustments == {"depth.cut": {"count": 1}}


def test_deep_values_of_resources_and_scopes_are_cut_too() -> None:
    value: Any = "bottom"
    for _ in range(90):
        value = Map([("k", value)])
    export = [
        Resource(attributes=Map([("k", value)]), scopes=[
            Scope(attributes=Map([("k", value)]), records=[Record()])
        ])
    ]  # fmt: skip
    of_protobuf = batches.from_otlp_protobuf(protobuf(export), RECEIVED).records
    of_json = batches.from_otlp_json(json_text(export), RECEIVED).records
    assert of_protobuf == of_json
    (record,) = of_protobuf
    assert bottom(record.resource) == (None, DEPTH)
    assert record.scope is not None
    assert bottom(record.scope["attributes"]) == (None, DEPTH - 1)
    assert record.adjustments == {"depth.cut": {"count": 2}}


def test_many_values_beside_each_other_are_all_read() -> None:
    value = part(1, b"x")
    for _ in range(40):
        value = part(5, part(1, part(1, b"left")) + part(1, value) + part(1, part(1, b"right")))
    body = part(1, part(2, part(2, part(5, value))))
    (record,) = batches.from_otlp_protobuf(body, RECEIVED).records
    for _ in range(40):
        left, middle, right = record.body
        assert (left, right) == ("left", "right")
        record.body = middle
    assert record.body == "x"


@pytest.mark.parametrize(
    "inner",
    [b"\xff\xff", part(1, b"\xff\xfe"), part(5, b"\x0f")],
    ids=["no message", "no UTF-8", "no list"],
)
def test_what_is_no_protobuf_in_the_depth_is_refused_and_not_passed_over(inner: bytes) -> None:
    value = inner
    for _ in range(40):
        value = in_map(value)
    with pytest.raises(BodyUndecodable):
        batches.from_otlp_protobuf(part(1, part(2, part(2, part(5, value)))), RECEIVED)


def test_the_deep_reader_opens_a_value_seldom() -> None:
    """Each opening copies what lies below: once for each level would be 4 GB of a 64 MB body."""
    request = deep_protobuf.parse(protobuf_export("maps", 70, "body"), ExportLogsServiceRequest)
    value = request.resource_logs[0].scope_logs[0].log_records[1].body
    openings = 0
    for _ in range(DEPTH):
        closed = value.kvlist_value
        openings += isinstance(closed, bytes)
        value = deep_protobuf.opened(closed, "kvlist_value").values[0].value
    assert openings == DEPTH // deep_protobuf.LEVELS
