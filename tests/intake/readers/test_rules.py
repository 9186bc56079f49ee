"""What emitters count differently becomes what the provider bills, or stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from agentlogger.intake.call import Usage
from agentlogger.intake.readers import choosing, gemini_cli, otel, rules
from agentlogger.intake.readers.said import Said
from agentlogger.intake.sent import Group, Sent, Span
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import INTEGER_MAX

NAMES = rules.Names(
    input=("in",), output=("out",), cache_read=("read",), cache_write=("write",),
    reasoning=("reasoned",), tool=("tool",), total=("total",),
)  # fmt: skip


def by_numbers(**values: Any) -> tuple[int | None, int | None, str]:
    told = rules.usage(values, NAMES, rules.by_numbers)
    assert told is not None
    return told.input, told.output, told.rule


def test_counts_are_inclusive_as_long_as_the_numbers_let_them_be():
    assert by_numbers(**{"in": 10, "out": 5, "read": 10, "reasoned": 5}) == (10, 5, "inclusive")
    assert by_numbers(**{"in": 10, "out": 5, "read": 4, "total": 15}) == (10, 5, "inclusive")


def test_a_part_that_is_larger_than_the_whole_stood_beside_it():
    assert by_numbers(**{"in": 10, "out": 5, "read": 8, "write": 3}) == (21, 5, "exclusive_cache")
    assert by_numbers(**{"in": 10, "out": 5, "reasoned": 6}) == (10, 11, "reasoning_apart")
    both = by_numbers(**{"in": 1, "out": 1, "read": 2, "reasoned": 2})
    assert both == (3, 3, "exclusive_cache+reasoning_apart")


def test_a_total_tells_where_a_small_part_stood():
    assert by_numbers(**{"in": 10, "out": 5, "read": 3, "total": 18})[0] == 13
    assert by_numbers(**{"in": 10, "out": 5, "reasoned": 3, "total": 18})[1] == 8
    apart = {"in": 10, "out": 5, "read": 3, "reasoned": 2}
    assert by_numbers(**apart, total=20) == (13, 7, "exclusive_cache+reasoning_apart")
    assert by_numbers(**apart, total=15) == (10, 5, "inclusive")
    assert by_numbers(**apart | {"reasoned": 3}, total=18) == (13, 5, "exclusive_cache")


def test_a_whole_without_one_of_its_parts_is_unknown():
    told = rules.usage({"in": 10, "out": 5, "read": 3}, NAMES, rules.exclusive_cache)
    assert told == Usage(cache_read=3, output=5, rule="exclusive_cache")
    told = rules.usage({"in": 10, "out": 5}, NAMES, rules.thoughts_apart)
    assert told == Usage(input=10, rule="thoughts_apart")


def test_zeros_alone_are_unknown_unless_the_call_failed():
    zeros = {"in": 0, "out": 0, "read": 0}
    assert rules.usage(zeros, NAMES, rules.by_numbers) is None
    assert rules.usage(zeros, NAMES, rules.by_numbers, failed=True) is not None
    assert rules.usage({"in": 0, "out": 7}, NAMES, rules.by_numbers) is not None


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        (7, 7), ("7", 7), (7.0, 7), (0, 0), (INTEGER_MAX, INTEGER_MAX),
        (True, None), (-1, None), (7.5, None), ("7.5", None), ("", None), ("\u0667", None),
        (INTEGER_MAX + 1, None), ("9" * 5_000, None), (float("nan"), None), ([7], None),
    ],
)  # fmt: skip
def test_only_a_whole_number_is_a_count(given: Any, counted: int | None):
    assert rules.count(given) == counted


def test_a_sum_beyond_64_bits_is_unknown():
    told = rules.usage({"in": 1, "out": 1, "read": INTEGER_MAX}, NAMES, rules.by_numbers)
    assert told is not None
    assert told.input is None


def said(event: str, scope: str, attributes: dict[str, Any]) -> Said:
    sent = Sent(
        group=Group({}, None, scope, None, ()),
        time_ns=1,
        observed_ns=0,
        severity_number=0,
        severity_text="",
        event_name=event,
        body={"index": attributes},
        attributes=attributes,
        dropped_attributes_count=0,
        flags=0,
        trace_id="",
        span_id="",
        identity=None,
        notes=Adjustments(),
        span=Span("", 2, "", "", {}),
    )
    return Said(sent, event, None, None, None)


READ = sorted(
    {
        *(name for name, _ in choosing.BY_ATTRIBUTE),
        *otel.NAMES.input,
        *gemini_cli.NAMES.output,
        otel.RAW,
        "event.kind",
        "error.message",
        "event.timestamp",
        "endpoint",
        "attempt",
        "success",
        "request_data",
        "gen_ai.response.id",
        "span_data.usage",
        "langsmith.metadata.usage_metadata",
        "cost_usd",
    }
)


@pytest.mark.parametrize("event", [*map(str, choosing.BY_EVENT), "llm_call", ""])
@pytest.mark.parametrize("scope", ["", gemini_cli.SCOPE, "logfire.openai", "pydantic-ai"])
def test_no_value_however_odd_stops_a_reader(event: str, scope: str):
    odd = [None, True, [], [1, {}], {"a": []}, {}, "", "{", "[]", "nan", -1, 1e308, "chat", "llm"]
    for value in odd:
        for names in (READ, *([name] for name in READ)):
            attributes = dict.fromkeys(names, value)
            given = said(event, scope, attributes)
            reader = choosing.reader_of(scope, event, choosing.reader_by(attributes))
            if reader is not None:
                reader(given)
