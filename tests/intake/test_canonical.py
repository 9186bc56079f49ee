"""The canonical columns: what the alias map, the event's name and the outcome make of a record."""

from __future__ import annotations

from typing import Any

import pytest

from agentlogger.intake import aliases, batches
from agentlogger.intake.record import Record
from agentlogger.intake.severity import BANDS, band_name
from agentlogger.limits import ERROR_MESSAGE_CHARACTERS, TEXT_COLUMN_CHARACTERS
from tests.intake.exports import Map, Resource, Scope, protobuf
from tests.intake.exports import Record as Given

RECEIVED = 1_795_331_040_000_000_000


def record(
    attributes: dict[str, Any] | None = None,
    *,
    resource: dict[str, Any] | None = None,
    scope: str = "",
    **fields: Any,
) -> Record:
    """The row of one record that was sent with these attributes and fields."""
    given = Given(attributes=Map((attributes or {}).items()), **fields)
    export = Resource(
        attributes=Map((resource or {}).items()), scopes=[Scope(name=scope, records=[given])]
    )
    (row,) = batches.from_otlp_protobuf(protobuf([export]), RECEIVED).records
    return row


@pytest.mark.parametrize(
    ("column", "name"),
    [(column, name) for column, names in aliases.TEXT_COLUMNS.items() for name in names],
)
def test_every_alias_fills_its_column(column: str, name: str) -> None:
    row = record({name: "the value"})
    assert getattr(row, column) == "the value"
    assert row.attributes == {name: "the value"}


@pytest.mark.parametrize("column", aliases.TEXT_COLUMNS)
def test_of_several_aliases_the_first_wins(column: str) -> None:
    names = aliases.TEXT_COLUMNS[column]
    row = record({name: f"by {name}" for name in reversed(names)})
    assert getattr(row, column) == f"by {names[0]}"


@pytest.mark.parametrize("unusable", ["", None, True, ["a"], Map([("a", 1)])])
def test_an_alias_without_a_text_is_passed_over(unusable: Any) -> None:
    row = record({"gen_ai.response.model": unusable, "model": "gpt-5.1"})
    assert row.model == "gpt-5.1"


def test_a_number_is_a_columns_text() -> None:
    assert record({"thread_id": 42}).session_id == "42"


@pytest.mark.parametrize(
    ("column", "name"),
    [(column, name) for column, names in aliases.RESOURCE_COLUMNS.items() for name in names],
)
def test_the_resource_speaks_where_the_record_says_nothing(column: str, name: str) -> None:
    assert getattr(record(resource={name: "of the resource"}), column) == "of the resource"
    own = aliases.TEXT_COLUMNS[column][0]
    assert getattr(record({own: "own"}, resource={name: "of the resource"}), column) == "own"


def test_a_text_longer_than_its_column_is_cut_there_and_kept_among_the_attributes() -> None:
    long = "x" * (TEXT_COLUMN_CHARACTERS + 1)
    row = record({"session.id": long})
    assert row.session_id == long[:TEXT_COLUMN_CHARACTERS]
    assert row.attributes == {"session.id": long}
    assert row.adjustments == {"text.cut": {"count": 1}}
    assert record({"session.id": long[1:]}).adjustments is None


def test_an_error_message_may_be_longer_than_other_columns() -> None:
    long = "x" * (ERROR_MESSAGE_CHARACTERS + 1)
    assert record({"error.message": long[1:]}).error_message == long[1:]
    assert record({"error.message": long}).error_message == long[1:]


def test_a_run_without_a_name_is_its_trace() -> None:
    trace = bytes(range(16))
    assert record(trace_id=trace).run_id == trace.hex()
    assert record({"workflow.run_id": "wf_1"}, trace_id=trace).run_id == "wf_1"


@pytest.mark.parametrize(
    ("attributes", "fields", "scope", "expected"),
    [
        ({"event.name": "gemini_cli.tool_call"}, {}, "", "gemini_cli.tool_call"),
        ({"event.name": "codex.sse_event"}, {"event_name": "event a.rs:8"}, "", "codex.sse_event"),
        ({"event.name": "short"}, {}, "", "short"),
        ({"event.name": "short"}, {}, "com.anthropic.claude_code.events", "claude_code.short"),
        ({"event.name": "short"}, {"body": "family.short"}, "", "family.short"),
        ({"event.name": "short"}, {"body": "A sentence.short"}, "", "short"),
        ({"event.name": ""}, {"event_name": "a.b"}, "", "a.b"),
        ({"event.name": 5}, {"event_name": "a.b"}, "", "a.b"),
        ({}, {"event_name": "gen_ai.choice"}, "", "gen_ai.choice"),
        ({}, {"event_name": "event src/lib.rs:1"}, "", None),
        ({}, {"event_name": "event src/lib.rs:1", "body": "a.b"}, "", "a.b"),
        ({}, {"body": "claude_code.user_prompt"}, "", "claude_code.user_prompt"),
        ({}, {"body": "word"}, "", None),
        ({}, {"body": "Ends with a dot."}, "", None),
        ({}, {"body": "a.b c"}, "", None),
        ({}, {"body": "a.b\n"}, "", None),
        ({}, {"body": f"a.{'b' * 600}"}, "", None),
        ({}, {"body": Map([("a", "b.c")])}, "", None),
        ({}, {}, "", None),
    ],
)
def test_an_event_has_the_name_by_which_people_know_it(
    attributes: dict[str, Any], fields: dict[str, Any], scope: str, expected: str | None
) -> None:
    row = record(attributes, scope=scope, **fields)
    assert row.event == expected
    assert row.event_name == fields.get("event_name")


@pytest.mark.parametrize(
    ("attributes", "ok"),
    [
        ({}, None),
        ({"success": True}, True),
        ({"success": "true"}, True),
        ({"success": False}, False),
        ({"success": "false"}, False),
        ({"success": ["false"]}, None),
        ({"success": "maybe"}, None),
        ({"http.response.status_code": 200}, True),
        ({"http.response.status_code": "429"}, False),
        ({"status_code": 399}, True),
        ({"status_code": 400}, False),
        ({"status_code": 0}, None),
        ({"status_code": "ok"}, None),
        ({"http.status_code": 500, "success": True}, False),
        ({"error.type": "Timeout"}, False),
        ({"error": "it broke"}, False),
        ({"error": True}, False),
        ({"error": "true"}, False),
        ({"error": False}, None),
        ({"error": "false"}, None),
        ({"error": "false", "success": "true"}, True),
        ({"error": ""}, None),
        ({"exception.message": "boom"}, False),
    ],
)
def test_a_record_worked_as_far_as_it_says(attributes: dict[str, Any], *, ok: bool | None) -> None:
    assert record(attributes).ok is ok


@pytest.mark.parametrize("verdict", [True, False, "true", "false"])
def test_a_boolean_is_no_error_message(verdict: Any) -> None:
    assert record({"error": verdict}).error_message is None


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"duration_ms": 1840}, 1_840_000_000),
        ({"duration_ms": "2310"}, 2_310_000_000),
        ({"duration_ms": 0.1}, 100_000),
        ({"duration_ms": 1.001}, 1_001_000),
        ({"duration_ms": "1.5e2"}, 150_000_000),
        ({"duration_ms": 0}, 0),
        ({"duration": 3}, 3_000_000),
        ({"total_duration_ms": 3}, 3_000_000),
        ({"duration_ms": "n/a", "duration": 2}, 2_000_000),
        ({"duration_ms": -1}, None),
        ({"duration_ms": float("nan")}, None),
        ({"duration_ms": float("inf")}, None),
        ({"duration_ms": "1e400"}, None),
        ({"duration_ms": "nan"}, None),
        ({"duration_ms": "1_0"}, None),
        ({"duration_ms": True}, None),
        ({"duration_ms": 2**63 - 1}, None),
        ({}, None),
    ],
)
def test_a_duration_is_milliseconds_as_number_or_text(
    attributes: dict[str, Any], expected: int | None
) -> None:
    assert record(attributes).duration_ns == expected


@pytest.mark.parametrize(
    ("fields", "number", "source"),
    [
        ({"severity": 1}, 1, "emitted"),
        ({"severity": 24}, 24, "emitted"),
        ({"severity": 12, "severity_text": "ERROR"}, 12, "emitted"),
        ({"severity_text": "WARN"}, 13, "derived"),
        ({"severity_text": " Fatal "}, 21, "derived"),
        ({"severity_text": "Level 5"}, 9, "derived"),
        ({"severity": 25}, 9, "derived"),
        ({"severity": -1, "severity_text": "debug"}, 5, "derived"),
    ],
)
def test_a_severity_is_the_emitted_one_else_that_of_its_name(
    fields: dict[str, Any], number: int, source: str
) -> None:
    row = record(**fields)
    assert (row.severity_number, row.severity_source) == (number, source)


@pytest.mark.parametrize("number", [-1, 25, 2**31 - 1])
def test_a_severity_out_of_range_is_kept_on_its_mark(number: int) -> None:
    expected = {"severity.range": {"count": 1, "sent": str(number)}}
    assert record(severity=number).adjustments == expected


@pytest.mark.parametrize(
    ("attributes", "number"),
    [
        ({"event.name": "claude_code.api_error"}, 17),
        ({"event.name": "claude_code.api_retries_exhausted"}, 17),
        ({"event.name": "claude_code.internal_error"}, 17),
        ({"event.name": "claude_code.tool_result", "success": "false"}, 17),
        ({"event.name": "codex.api_request", "http.response.status_code": 500}, 17),
        ({"event.name": "claude_code.api_refusal"}, 13),
        ({"event.name": "gemini_cli.network_retry_attempt"}, 13),
        ({"event.name": "codex.tool_decision", "decision": "denied"}, 13),
        ({"event.name": "claude_code.tool_decision", "decision": "reject"}, 13),
        ({"event.name": "claude_code.tool_decision", "decision": "accept"}, 9),
        ({"event.name": "x.tool_decision", "decision": ["reject"]}, 9),
        ({"event.name": "claude_code.hook_execution_start"}, 5),
        ({"event.name": "hook_registered"}, 5),
        ({"event.name": "shop.webhook_received"}, 9),
        ({"event.name": "codex.sse_event", "event.kind": "response.output_text.delta"}, 5),
        ({"event.name": "codex.sse_event", "event.kind": "response.completed"}, 9),
        ({"event.name": "codex.sse_event", "error.message": "cut off"}, 17),
        ({"event.name": "anything.else"}, 9),
        ({}, 9),
    ],
)
def test_a_severity_that_nobody_set_follows_from_what_happened(
    attributes: dict[str, Any], number: int
) -> None:
    row = record(attributes)
    assert (row.severity_number, row.severity_source) == (number, "derived")


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        *(
            ({"event.name": f"x{end}" if end[0] == "." else end}, kind)
            for end, kind in aliases.KINDS
        ),
        *(({"gen_ai.operation.name": name}, kind) for name, kind in aliases.OPERATIONS.items()),
        ({"event.name": "gemini_cli.hook_call"}, "hook"),
        ({"event.name": "shop.webhook_sent"}, "log"),
        ({"event.name": "x.api_request", "gen_ai.operation.name": "execute_tool"}, "llm"),
        ({"event.name": "x.unheard_of", "gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": ["chat"]}, "log"),
        ({"gen_ai.operation.name": "plan"}, "log"),
        ({}, "log"),
    ],
)
def test_a_kind_follows_from_the_name_or_the_operation(
    attributes: dict[str, Any], kind: str
) -> None:
    assert record(attributes).kind == kind


def test_a_uid_makes_a_record_the_same_as_another() -> None:
    identity = record({"log.record.uid": "01J"}, body="a").identity
    assert identity is not None
    assert identity == record({"log.record.uid": "01J"}, body="b").identity
    assert identity != record({"log.record.uid": "01K"}).identity


@pytest.mark.parametrize("uid", ["", None, 5, ["x"], "a\0", "a\ufffd"])
def test_what_is_no_uid_or_may_have_been_another_makes_no_record_the_same(uid: Any) -> None:
    assert record({"log.record.uid": uid}).identity is None


def test_severities_have_names_for_people() -> None:
    numbers = {number: band_name(number) for number in range(26)}
    assert numbers[0] == numbers[25] == "unset"
    assert [numbers[number] for number in (1, 4, 5, 9, 12, 13, 17, 20, 21, 24)] == [
        "trace", "trace", "debug", "info", "info", "warn", "error", "error", "fatal", "fatal",
    ]  # fmt: skip
    assert len({*numbers.values()}) == len(BANDS) + 1
