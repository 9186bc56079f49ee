"""Requests as Claude Code sends them: 18 attributes a record, about 0.8 KB, seeded by chance.

A prompt is worked on in turns. Each turn is one call of the model, so an `api_request` and what it
answered, and mostly one use of a tool, which Claude Code tells twice: the decision and the result.
With six turns a prompt, 6 of 25 records report a call of a model. Codex tells one call among 15
records, Gemini CLI one among 7. `--calls half` sends as many `api_request` as `tool_result` and
nothing else, which asks the most of the ledger of calls, and which no agent does.

Making records costs the client more than sending them. So a request is serialised once, and its
times and ids are written over in place before each sending: no two requests are the same.
"""

from __future__ import annotations

import json
import random
import struct
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

VERSION = "2.1.230"
RESOURCE = {
    "service.name": "claude-code",
    "service.version": VERSION,
    "os.type": "linux",
    "host.arch": "amd64",
    "team.id": "platform",
}
SCOPE = InstrumentationScope(name="com.anthropic.claude_code.events", version=VERSION)
WORDS = (
    "the", "a", "test", "file", "function", "error", "in", "module", "please", "fix", "why",
    "does", "request", "return", "migrate", "table", "index", "add", "column", "naïve", "branch",
    "commit", "run", "server", "answer", "time", "out", "retry", "token", "review", "config",
)  # fmt: skip
TOOLS = ("Bash", "Read", "Edit", "Grep", "Write", "WebFetch", "Task")
MODELS = ("claude-sonnet-5", "claude-opus-5", "claude-haiku-5")

TIME_MARK = 0x7E57_71AE_7E57_71AE
"""Stands where a time goes: no chance value is this number."""
STAMP_MARK = "~~~~~~~ a time ~~~~~~~~~"
"""Stands where a time goes as text: with the sequence and the session it names the event."""
NUMBER_MARK = "~~~~number~~~~~~"
"""Stands where a request's number goes, in hex."""
TEXT_MARK = "~text~"
"""Stands where a record has text to the length that is asked for."""
PARAMETERS = json.dumps({"bash_command": "pytest", "full_command": TEXT_MARK, "timeout": 120_000})

MILLISECOND = 1_000_000

TURNS = 6
"""Calls of the model for a prompt: each but the last uses a tool, and some use two."""
TURN = ("api_request", "assistant_response", "tool_decision", "tool_result")
PROMPT = ("user_prompt", *TURN * TURNS)
OWN = 9
"""Attributes that a kind of event has for itself, those of the account among them."""
ACCOUNT = {
    "user.email": "someone@example.org",
    "user.account_uuid": "2f1c6a50-5f0e-4d55-9a3b-6c2f0d6b7a11",
    "user.account_id": "user_01BWBeN28k5G2QvRk3o7uFsT",
    "app.entrypoint": "cli",
    "identity.source": "oauth",
}


@dataclass(frozen=True)
class Mix:
    """What the records of a request are like."""

    calls: str = "turns"
    """`turns`, or `half`: half of all report a call of a model."""
    size: int = 800
    """Bytes of a record as it is sent, about."""


class Requests:
    """Requests of one client, one after the other, each with times and ids of its own."""

    def __init__(self, records: int, seed: int, mix: Mix = Mix()) -> None:
        self._mix = mix
        self._chance = random.Random(seed)
        self._number = seed << 40
        self._stamped = 0
        self._body = bytearray(self._export(records).SerializeToString())
        self._times = _places(self._body, struct.pack("<Q", TIME_MARK))
        self._stamps = _places(self._body, STAMP_MARK.encode())
        self._numbers = _places(self._body, NUMBER_MARK.encode())

    def next(self) -> bytearray:
        """The next request; it is good until the one after it is made."""
        now = time.time_ns()
        for index, place in enumerate(self._times):
            # Each record has two times, and its own nanosecond.
            struct.pack_into("<Q", self._body, place, now + index // 2)
        self._stamped = max(self._stamped + 1, now // MILLISECOND)
        stamp = f"{datetime.fromtimestamp(self._stamped / 1_000, UTC):%Y-%m-%dT%H:%M:%S.%f}"
        for place in self._stamps:
            self._body[place : place + len(STAMP_MARK)] = f"{stamp[:23]}Z".encode()
        for place in self._numbers:
            self._number += 1
            self._body[place : place + len(NUMBER_MARK)] = b"%016x" % self._number
        return self._body

    def _export(self, records: int) -> ExportLogsServiceRequest:
        session = _uuid(self._chance)
        user = self._chance.randbytes(32).hex()
        said = [self._record(sequence, session, user) for sequence in range(records)]
        return ExportLogsServiceRequest(
            resource_logs=[
                ResourceLogs(
                    resource=Resource(attributes=_attributes(RESOURCE)),
                    scope_logs=[ScopeLogs(scope=SCOPE, log_records=said)],
                )
            ]
        )

    def _record(self, sequence: int, session: str, user: str) -> LogRecord:
        if self._mix.calls == "half":
            name = self._chance.choice(("api_request", "tool_result"))
        else:
            name = PROMPT[sequence % len(PROMPT)]
        shared = {
            "event.name": name,
            "event.timestamp": STAMP_MARK,
            "event.sequence": sequence,
            "session.id": session,
            "prompt.id": _uuid(self._chance),
            "user.id": user,
            "organization.id": _uuid(self._chance),
            "terminal.type": "vscode",
            "app.version": VERSION,
        }
        long, own = getattr(self, f"_{name}")()
        own |= dict(list(ACCOUNT.items())[: OWN - len(own)])
        record = LogRecord(
            time_unix_nano=TIME_MARK,
            observed_time_unix_nano=TIME_MARK,
            body=AnyValue(string_value=f"claude_code.{name}"),
            attributes=_attributes(shared | own),
        )
        lacking = max(self._mix.size - record.ByteSize(), 0)
        text = self._text(lacking // 3)[:lacking]
        for attribute in record.attributes:
            if attribute.key == long:
                said = attribute.value.string_value
                attribute.value.string_value = said.replace(TEXT_MARK, text)
        return record

    def _api_request(self) -> tuple[str, dict[str, Any]]:
        chance = self._chance
        return "query_source", {
            "model": chance.choice(MODELS),
            "cost_usd": f"{chance.random() / 10:.6f}",
            "duration_ms": str(chance.randrange(200, 40_000)),
            "input_tokens": str(chance.randrange(1, 3_000)),
            "output_tokens": str(chance.randrange(1, 3_000)),
            "cache_read_tokens": str(chance.randrange(150_000)),
            "cache_creation_tokens": str(chance.randrange(9_000)),
            "request_id": f"req_{NUMBER_MARK}",
            "query_source": TEXT_MARK,
        }

    def _user_prompt(self) -> tuple[str, dict[str, Any]]:
        return "prompt", {
            "prompt": TEXT_MARK,
            "prompt_length": str(self._chance.randrange(9_000)),
            "message.uuid": _uuid(self._chance),
            "command_source": "builtin",
        }

    def _assistant_response(self) -> tuple[str, dict[str, Any]]:
        return "response", {
            "response": TEXT_MARK,
            "response_length": str(self._chance.randrange(9_000)),
            "model": self._chance.choice(MODELS),
            "request_id": f"req_{NUMBER_MARK}",
            "message.uuid": _uuid(self._chance),
            "query_source": "repl_main_thread",
        }

    def _tool_decision(self) -> tuple[str, dict[str, Any]]:
        return "tool_parameters", {
            "tool_name": self._chance.choice(TOOLS),
            "tool_use_id": f"toolu_{NUMBER_MARK}",
            "decision": "accept",
            "source": "config",
            "tool_source": "builtin",
            "tool_parameters": PARAMETERS,
        }

    def _tool_result(self) -> tuple[str, dict[str, Any]]:
        chance = self._chance
        return "tool_parameters", {
            "tool_name": chance.choice(TOOLS),
            "tool_use_id": f"toolu_{NUMBER_MARK}",
            "success": chance.choice(["true", "true", "true", "false"]),
            "duration_ms": str(chance.randrange(1, 90_000)),
            "tool_input_size_bytes": str(chance.randrange(9_000)),
            "tool_result_size_bytes": str(chance.randrange(90_000)),
            "decision_type": "accept",
            "decision_source": "config",
            "tool_parameters": PARAMETERS,
        }

    def _text(self, words: int) -> str:
        return " ".join(self._chance.choices(WORDS, k=words))


def _places(body: bytearray, mark: bytes) -> list[int]:
    places = []
    place = body.find(mark)
    while place >= 0:
        places.append(place)
        place = body.find(mark, place + len(mark))
    return places


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(bytes=chance.randbytes(16), version=4))


def _attributes(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any_value(value)) for key, value in values.items()]


def _any_value(value: str | int) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
