"""A body of too many values is refused before they are made; one of long texts is not."""

from __future__ import annotations

import json
import resource

import pytest

from agentlogger.errors import BodyTooLarge
from agentlogger.intake import batches, otlp_protobuf, values
from tests.intake.exports import part

SIZE = 16 * 1024 * 1024
MANY = 2_200_000
"""Values, a tenth more than a body may hold: a text among them costs the most to pass over."""


def in_a_body(filling: bytes) -> bytes:
    around = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":['
    return around + filling + b"1]}}}]}]}]}"


def in_a_record(filling: bytes) -> bytes:
    return part(1, part(2, part(2, filling)))


HOSTILE = {
    "lists": in_a_body(b"[]," * (SIZE // 3)),
    "objects": in_a_body(b'{"a":1},' * (MANY // 2)),
    "texts": in_a_body(b'"a",' * MANY),
    "numbers": in_a_body(b"1," * (SIZE // 2)),
}
HOSTILE_PROTOBUF = {
    "resources": b"\x0a\x00" * (SIZE // 2),
    "records": part(1, part(2, b"\x12\x00" * (SIZE // 2))),
    "attributes": in_a_record(b"\x32\x00" * (SIZE // 2)),
    "lengths of two bytes": in_a_record(b"\x32\x80\x00" * (SIZE // 3)),
    "tags of two bytes": in_a_record(b"\xb2\x00\x00" * (SIZE // 3)),
    "a list": in_a_record(part(5, part(5, b"\x0a\x02\x18\x01" * (SIZE // 4)))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_json_of_tiny_values_is_refused_and_takes_no_memory(name):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(BodyTooLarge, match="more than 2,000,000 values"):
        batches.from_otlp_json(HOSTILE[name], 1)

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 2 * SIZE


@pytest.mark.parametrize("name", HOSTILE_PROTOBUF)
def test_protobuf_of_tiny_parts_is_refused_and_takes_no_memory(name):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(BodyTooLarge, match="more than 2,000,000 values"):
        batches.from_otlp_protobuf(HOSTILE_PROTOBUF[name], 1)

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 2 * SIZE


def test_brackets_within_texts_are_no_values(monkeypatch):
    monkeypatch.setattr(values, "VALUES", 100)
    text = '[{"a": [1, 2]}, "\\"]' * 40

    values.bound_json(json.dumps({"m": text}).encode())
    with pytest.raises(BodyTooLarge):
        values.bound_json(json.dumps([{"m": text}] * 80).encode())


def test_code_with_tabs_is_no_tiny_parts(monkeypatch):
    monkeypatch.setattr(values, "VALUES", 100)

    values.bound_protobuf(in_a_record(part(5, part(1, b"func f() {\n\treturn\n}\n" * 1000))))


def test_a_map_of_too_many_elements_is_refused(monkeypatch):
    monkeypatch.setattr(values, "LENGTH", 10)
    pairs = part(1, part(1, b"a key"))

    batches.from_otlp_protobuf(in_a_record(part(5, part(6, pairs * 10))), 1)
    with pytest.raises(BodyTooLarge, match="more than 10 elements"):
        batches.from_otlp_protobuf(in_a_record(part(5, part(6, pairs * 11))), 1)


def test_attributes_far_beyond_those_kept_are_cut_unread(monkeypatch):
    monkeypatch.setattr(otlp_protobuf, "ATTRIBUTES_READ", 3)
    pairs = b"".join(part(6, part(1, f"key {number}".encode())) for number in range(5))

    batch = batches.from_otlp_protobuf(in_a_record(pairs), 1)

    assert list(batch.records[0].attributes) == ["key 0", "key 1", "key 2"]
    assert batch.adjusted == {"attributes.cut": 2}
