"""Messages are found in a record, whichever way its emitter writes them."""

from __future__ import annotations

import json

import pytest

from agentlogger.blueprints.pages.timeline import Scale, began_ns, waterfall_of
from agentlogger.showing.messages import Message, Part, brief_of, fields_of, messages_of

ASKED = {"type": "tool_call", "id": "c", "name": "add", "arguments": {"a": 1}}
GIVEN = {"type": "tool_call_response", "id": "c", "response": "2"}
CONVENTIONS = [
    {"role": "user", "parts": [{"type": "text", "content": "one and one?"}]},
    {"role": "assistant", "parts": [ASKED, {"type": "reasoning", "content": "easy"}]},
    {"role": "tool", "parts": [GIVEN]},
]
TOLD = [
    Message("user", (Part("text", "one and one?"),)),
    Message("assistant", (Part("tool_call", '{"a": 1}', "add"), Part("reasoning", "easy"))),
    Message("tool", (Part("tool_result", "2"),)),
]
OPENAI_CALL = {"id": "c", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


@pytest.mark.parametrize(
    ("record", "messages"),
    [
        ({"attributes": {"gen_ai.input.messages": CONVENTIONS}}, TOLD),
        ({"attributes": {"gen_ai.input.messages": json.dumps(CONVENTIONS)}}, TOLD),
        (
            {
                "attributes": {
                    "gen_ai.system_instructions": [{"type": "text", "content": "be kind"}]
                }
            },
            [Message("system", (Part("text", "be kind"),))],
        ),
        (
            {
                "attributes": {
                    "llm.output_messages.0.message.content": "two",
                    "llm.input_messages.10.message.role": "user",
                    "llm.input_messages.10.message.content": "later",
                    "llm.input_messages.9.message.role": "system",
                    "llm.input_messages.9.message.content": "first",
                }
            },
            [
                Message("system", (Part("text", "first"),)),
                Message("user", (Part("text", "later"),)),
                Message("assistant", (Part("text", "two"),)),
            ],
        ),
        (
            {"attributes": {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi"}},
            [Message("user", (Part("text", "hi"),))],
        ),
        (
            {"event": "gen_ai.choice", "body": {"message": {"tool_calls": [OPENAI_CALL]}}},
            [Message("assistant", (Part("tool_call", '{"a": 1}', "add"),))],
        ),
        (
            {"event": "gen_ai.user.message", "body": {"content": "hi"}},
            [Message("user", (Part("text", "hi"),))],
        ),
        (
            {"kind": "prompt", "attributes": {"prompt": "hi"}},
            [Message("user", (Part("text", "hi"),))],
        ),
        ({"kind": "tool", "attributes": {"prompt": "hi"}, "body": "text"}, []),
        ({"attributes": {"gen_ai.input.messages": "[not JSON"}}, None),
        ({"attributes": {"gen_ai.input.messages": [1, [], {"role": 3, "parts": {}}]}}, None),
        ({"attributes": {"gen_ai.input.messages": "[" * 100_000}}, None),
        ({"attributes": {"gen_ai.input.messages": '[{"content":' * 400 + "1" + "}]" * 400}}, None),
        ({"body": {"role": "user"}}, []),
    ],
)
def test_messages_are_read_as_they_are_written(record, messages):
    found = messages_of(record)

    if messages is None:
        assert all(isinstance(part.text, str) for one in found for part in one.parts)
    else:
        assert found == messages


def test_arguments_are_told_in_a_line_and_field_by_field():
    assert brief_of('{"command": "ls"}') == "ls"
    assert brief_of('{"a": 1, "b": [2]}') == "a: 1, b: [2]"
    assert brief_of("ls -l") == "ls -l"
    assert brief_of(None) == ""
    assert fields_of("[1]") == []
    for depth in (100, 400, 900):
        assert fields_of('{"a":' * depth + "1" + "}" * depth)[0].name == "a"


def test_things_lie_where_they_happened():
    scale = Scale(1_000, 2_000)
    item = {"ts_ns": 1_500, "duration_ns": 400, "decision": None, "records": ["a"]}

    assert scale.bar(1_250, 500) == (25.0, 50.0)
    assert scale.bar(2_000, 0) == (99.7, 0.3)
    assert began_ns(item, set()) == 1_100
    assert began_ns(item, {"a"}) == 1_500
    assert began_ns(item | {"decision": "accept"}, set()) == 1_500
    assert [mark.label for mark in Scale(0, 300 * 10**9).ticks()] == [
        "+1m00s", "+2m00s", "+3m00s", "+4m00s",
    ]  # fmt: skip
    spans = [
        {"trace_id": "t", "ts_ns": 0, "duration_ns": 100, "ok": None},
        {"trace_id": "t", "ts_ns": 50, "duration_ns": None, "ok": False},
    ]
    assert [(bar.x, bar.width, bar.failed) for _, bar in waterfall_of(spans)] == [
        (0.0, 100.0, False), (50.0, 0.3, True),
    ]  # fmt: skip
