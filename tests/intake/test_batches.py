"""A batch accounts for every record that a body held, and has an end."""

from __future__ import annotations

import json
import sys
import threading
import tracemalloc
from collections.abc import Callable

import pytest

from agentlogger.errors import BodyTooLarge
from agentlogger.intake import batches
from agentlogger.intake.record import Batch
from tests.intake.exports import Map, Record, Resource, Scope, json_text, protobuf

RECEIVED = 1_795_331_040_000_000_000


def export(count: int) -> list[Resource]:
    half = [Record(body=index) for index in range(count // 2)]
    rest = [Record(body=index) for index in range(count // 2, count)]
    return [Resource(scopes=[Scope(records=half)]), Resource(scopes=[Scope(records=rest)])]


def of_protobuf(count: int) -> Batch:
    return batches.from_otlp_protobuf(protobuf(export(count)), RECEIVED)


def of_json(count: int) -> Batch:
    return batches.from_otlp_json(json_text(export(count)), RECEIVED)


def of_array(count: int) -> Batch:
    body = json.dumps([{"message": index} for index in range(count)]).encode()
    return batches.from_native(body, RECEIVED, lines=False)


def of_lines(count: int) -> Batch:
    body = "".join(f'{{"message":{index}}}\n' for index in range(count)).encode()
    return batches.from_native(body, RECEIVED, lines=True)


def of_what_is_refused(count: int) -> Batch:
    return batches.from_native(b"nothing\n" * count, RECEIVED, lines=True)


@pytest.mark.parametrize("read", [of_protobuf, of_json, of_array, of_lines, of_what_is_refused])
@pytest.mark.parametrize("count", [9, 10])
def test_a_batch_may_have_so_many_records(
    read: Callable[[int], Batch], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "RECORDS", 10)
    batch = read(count)
    assert len(batch.records) + len(batch.rejections) == count
    assert [record.body for record in batch.records] == batch.positions


@pytest.mark.parametrize("read", [of_protobuf, of_json, of_array, of_lines, of_what_is_refused])
def test_a_batch_may_have_no_more_records(
    read: Callable[[int], Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "RECORDS", 10)
    with pytest.raises(BodyTooLarge, match="more than 10 records"):
        read(11)


@pytest.mark.parametrize("lines", [False, True], ids=["an array", "lines"])
def test_records_beyond_the_limit_are_not_even_made(
    monkeypatch: pytest.MonkeyPatch, *, lines: bool
) -> None:
    monkeypatch.setattr(batches, "RECORDS", 1_000)
    body = b"{}\n" * 200_000 if lines else b"[{}" + b",{}" * 200_000 + b"]"
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            batches.from_native(body, RECEIVED, lines=lines)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 80_000_000, "a record takes a kilobyte, and 200,000 would take 200 MB"


def test_what_was_adjusted_is_summed_over_the_records() -> None:
    body = b'[{"message":"a\\u0000\\u0000"},{"message":"b\\u0000","x":NaN},{"message":"c"}]'
    batch = batches.from_native(body, RECEIVED, lines=False)
    assert batch.adjusted == {"text.nul": 3, "number.not_finite": 1}
    assert [record.adjustments for record in batch.records] == [
        {"text.nul": {"count": 2}},
        {"number.not_finite": {"count": 1}, "text.nul": {"count": 1}},
        None,
    ]


def test_what_was_adjusted_in_a_resource_is_marked_on_each_of_its_records() -> None:
    resource = Resource(
        attributes=Map([("a\0", 1)]), scopes=[Scope(records=[Record(), Record(body="x\0")])]
    )
    batch = batches.from_otlp_protobuf(protobuf([resource]), RECEIVED)
    counts = [(record.adjustments or {})["text.nul"]["count"] for record in batch.records]
    assert counts == [1, 2]
    assert batch.adjusted == {"text.nul": 3}


def test_other_threads_have_their_turns_while_a_body_is_read():
    body = protobuf(export(4_000))
    turns, ends = 0, threading.Event()

    def count() -> None:
        nonlocal turns
        while not ends.is_set():
            turns += 1

    other = threading.Thread(target=count)
    before_a_switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    other.start()
    try:
        begun = turns
        batches.from_otlp_protobuf(body, RECEIVED)
        ended = turns
    finally:
        ends.set()
        other.join()
        sys.setswitchinterval(before_a_switch)

    assert ended - begun > 100
