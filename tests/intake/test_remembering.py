"""What is remembered between records changes none of them, and is bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlogger.intake import batches, layouts, otlp_wire
from agentlogger.intake.applied import Applied
from agentlogger.intake.redaction import redactor as redaction
from agentlogger.intake.redaction.marks import MARK
from agentlogger.intake.redaction.policy import Policy
from agentlogger.intake.redaction.redactor import Redactor
from tests.intake.exports import Map, Record, Resource, Scope, protobuf

SECRET = "sk-ant-" + "aB3dE5gH7jK9" * 3


def rows(given: list[dict[str, Any]], applied: Applied) -> list[dict[str, Any]]:
    lines = b"\n".join(json.dumps({"attributes": each}).encode() for each in given)
    return [each.attributes for each in batches.from_native(lines, 1, applied, lines=True).records]


@pytest.fixture
def applied() -> Applied:
    return Applied(redactor=Redactor(Policy(), b"key" * 11))


def test_a_text_that_held_no_secret_is_one_under_the_name_of_a_secret(applied: Applied):
    said = "an innocent text"

    found = rows([{"a": said}, {"password": said}, {"a": said}, {"password": said}], applied)

    assert found[0] == found[2] == {"a": said}
    assert MARK.fullmatch(found[1]["password"])
    assert found[3] == found[1]


def test_a_secret_that_comes_again_is_found_again(applied: Applied):
    first, second = rows([{"a": SECRET}, {"a": SECRET}], applied)

    assert MARK.fullmatch(first["a"])
    assert second == first


def test_records_with_the_same_names_are_each_looked_at(applied: Applied):
    given = [{"a": "innocent", "b": f"{number:08}"} for number in range(50)]
    given[25]["a"] = SECRET
    given[49]["b"] = {"token": SECRET}

    found = rows(given, applied)

    assert MARK.fullmatch(found[25]["a"])
    assert MARK.fullmatch(found[49]["b"]["token"])
    assert [each for at, each in enumerate(found) if at not in {25, 49}] == [
        each for at, each in enumerate(given) if at not in {25, 49}
    ]


def test_secrets_are_found_after_what_is_remembered_was_full_many_times(
    applied: Applied, monkeypatch: pytest.MonkeyPatch
):
    for module, bound in (
        (layouts, "KEPT"),
        (redaction, "LAYOUTS_KEPT"),
        (redaction, "TEXTS_KEPT"),
    ):
        monkeypatch.setattr(module, bound, 3)
    monkeypatch.setattr(layouts, "_kept", {})
    given = [{f"name{number % 7}": f"text {number % 11:06}"} for number in range(100)]
    given += [{"name1": SECRET}, {f"{SECRET}": "text 000001"}]

    found = rows(given, applied)

    assert found[:100] == given[:100]
    assert MARK.fullmatch(found[100]["name1"])
    assert SECRET not in json.dumps(found)
    assert len(layouts._kept) <= 3


def test_names_that_are_many_or_long_are_not_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(layouts, "_kept", {})

    layouts.layout_of(["a" * layouts.CHARACTERS_KEPT, "b"])
    known = layouts.layout_of(["a", "b"])

    assert layouts.layout_of(["a", "b"]) is known
    assert list(layouts._kept) == [("a", "b")]


@pytest.mark.parametrize("most", [0, 2, 1_000])
def test_attributes_seen_before_make_no_difference(most: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(otlp_wire, "SEEN", most)
    given = [
        {"session.id": "s", "own": f"{number}", "shared": "naïve", "long": "x" * 200}
        for number in range(20)
    ]
    records = [Record(time=number + 1, attributes=Map(list(each.items())))
               for number, each in enumerate(given)]  # fmt: skip
    body = protobuf([Resource(scopes=[Scope(records=records)])])

    assert [each.attributes for each in otlp_wire.read(body)] == given


def test_an_attribute_that_stands_twice_in_a_record_is_noted_as_ever():
    twice = Map([("session.id", "s"), ("session.id", "s")])
    records = [Record(time=1, attributes=Map([("session.id", "s")])), Record(attributes=twice)]

    found = list(otlp_wire.read(protobuf([Resource(scopes=[Scope(records=records)])])))

    assert [each.notes.counts for each in found] == [{}, {"key.duplicate": 1}]
