"""Whatever an emitter sends, and however often: the calls are those that were made.

The corpus has the shapes that were recorded in November 2026, with texts and numbers of our own.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from agentlogger.intake.severity import ERROR
from tests.intake.readers import corpus
from tests.intake.readers.corpus import Scenario
from tests.intake.readers.merging import COUNTS, calls_of

SCENARIOS = corpus.scenarios()


def in_order(calls: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(call, sort_keys=True) for call in calls)


def named(scenario: Scenario) -> str:
    return scenario.name


def test_the_corpus_has_every_family() -> None:
    families = {scenario.name.partition(":")[0] for scenario in SCENARIOS}
    assert families == {
        "anthropic_sdk", "claude_code", "codex", "gemini_cli", "langsmith", "logfire",
        "openai_agents", "openinference", "openllmetry", "otel", "pydantic_ai", "vercel_ai",
    }  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_the_calls_are_those_that_were_made(scenario: Scenario) -> None:
    assert in_order(calls_of(corpus.read(scenario.requests))) == in_order(scenario.calls)


@pytest.mark.parametrize(
    "scenario", [each for each in SCENARIOS if len(each.requests) > 1], ids=named
)
def test_they_are_the_same_in_whatever_order_requests_come(scenario: Scenario) -> None:
    for requests in itertools.permutations(scenario.requests):
        assert in_order(calls_of(corpus.read(requests))) == in_order(scenario.calls)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_a_record_of_a_failed_call_is_found_as_failed(scenario: Scenario) -> None:
    failed = [
        record
        for record in corpus.read(scenario.requests)
        if record.call is not None and record.call.ok is False
    ]
    for record in failed:
        assert record.ok is False
        assert record.severity_number >= ERROR or record.severity_source == "emitted"
    told = any(call.get("ok") is False for call in scenario.calls)
    assert bool(failed) is told


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_a_record_has_the_counts_of_its_report_and_no_others(scenario: Scenario) -> None:
    for record in corpus.read(scenario.requests):
        usage = None if record.call is None else record.call.usage
        columns = (record.tokens_in, record.tokens_cache_read, record.tokens_cache_write)
        columns += (record.tokens_tool, record.tokens_out, record.tokens_reasoning)
        if usage is None:
            assert columns == (None,) * 6
            assert record.usage_rule is None
        else:
            assert columns == tuple(getattr(usage, name) for name in COUNTS)
            assert record.usage_rule == usage.rule
        assert (record.cost_source is not None) is (
            record.call is not None and not (record.call.ok is False and usage is None)
        )
