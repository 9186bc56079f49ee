"""What real agents sent, as they sent it, and what is shown of it: the truth, if it was sent.

The recordings are not part of this project; without them this is skipped.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentlogger.app import create_app
from agentlogger.models.database import db
from agentlogger.store import keys, projects
from agentlogger.store.scope import OperatorScope, ProjectScope
from tests.conftest import settings_for
from tests.journeys.conftest import written
from tests.journeys.serving import Server, serving
from tests.journeys.talking import ask

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "captures"
PIECE = 8_192
"""Bytes of a chunk, where a request came in chunks."""

MAKES = OperatorScope("a test makes a project for each recording")

pytestmark = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason="the recordings stand beside a checkout, and are not there"
)

NOT_SENT: dict[str, tuple[str, dict[str, int | None]]] = {
    "codex-0.169.0-binary-500": (
        "The program ended before it sent its last batch: one of nine failures is in no request.",
        {"calls": 8, "failed": 8},
    ),
    "pydantic-ai-2.68.0-chat-v5-500": (
        "The client library tried three times, and its span is about all three.",
        {"calls": 1, "failed": 1},
    ),
    "otel-openai-v2-2.4b0": (
        "The instrumentation has no attributes for what was cached or reasoned.",
        {"tokens_cache_read": None, "tokens_reasoning": None},
    ),
    "vercel-ai-7": ("Reasoning is in no attribute any more.", {"tokens_reasoning": None}),
}
"""By the beginning of a recording's name: why something of the truth is in no request, and what is
shown in its place. That nothing was cached or reasoned need not be sent either: null is right for a
true 0, and 0 would be too."""

SMALL = 100_000
"""Bytes of a recording that is sent more than once in the quick test."""


@dataclass(frozen=True)
class Recording:
    """What an agent sent, and what the model really served."""

    name: str
    requests: list[dict[str, Any]]
    truth: dict[str, Any]

    def sent(self, request: dict[str, Any]) -> bytes:
        return (CAPTURES / self.name / request["file"]).read_bytes()


def recordings() -> list[Recording]:
    return [
        Recording(
            folder.name,
            [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()],
            json.loads((folder / "TRUTH.json").read_text()),
        )
        for folder in sorted(CAPTURES.iterdir())
        if folder.is_dir()
    ]


def true_usage(recording: Recording) -> dict[str, int | None]:
    """What is to be shown: the truth in our words, but for what the recording does not carry."""
    truth = recording.truth
    tools = truth.get("toolUsePromptTokenCount", 0)
    usage = {
        "calls": truth["model_calls_ok"] + truth["model_calls_failed"],
        "failed": truth["model_calls_failed"],
        "unanswered": 0,
        "tokens_in": truth["input_tokens_incl_cache"] + tools,
        "tokens_cache_read": truth["cached_input_tokens"],
        "tokens_cache_write": truth["cache_write_tokens"],
        "tokens_tool": tools,
        "tokens_out": truth["output_tokens_incl_reasoning"],
        "tokens_reasoning": truth["reasoning_tokens"],
    }
    for beginning, (_, instead) in NOT_SENT.items():
        if recording.name.startswith(beginning):
            usage |= instead
    return usage


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def captures_server(request, tmp_path_factory) -> Iterator[Server]:
    """One server on each database for all: each test sends to projects of its own."""
    databases = request.getfixturevalue(f"{request.param}_databases")
    database, folder = databases.clone(), tmp_path_factory.mktemp("captures")
    app = create_app(settings_for(database, folder))
    with serving(written(database), folder / "server") as started, app.app_context():
        yield started
        db.engine.dispose()
    databases.give_back(database)


def project_key(name: str) -> str:
    scope = ProjectScope(projects.create(MAKES, name))
    return keys.create(scope, name=name[:50], scopes=("ingest", "read"), expires_ns=None)


def send(server: Server, key: str, recording: Recording, requests: Sequence[dict]) -> None:
    for request in requests:
        body = recording.sent(request)
        headers = {"Content-Type": request["content_type"], "Authorization": f"Bearer {key}"}
        if request["content_encoding"]:
            headers["Content-Encoding"] = request["content_encoding"]
        pieces = body
        if request["chunked"]:
            headers["Transfer-Encoding"] = "chunked"
            pieces = (body[at : at + PIECE] for at in range(0, len(body), PIECE))
        answer = ask(server, "POST", request["path"], pieces, headers)
        assert answer.status == 200, (recording.name, request, answer)


def ask_json(server: Server, key: str, path: str) -> Any:
    answer = ask(server, "GET", path, headers={"Authorization": f"Bearer {key}"})
    assert answer.status == 200, answer
    return answer.json()


def differences(total: dict[str, Any], true: dict[str, int | None]) -> dict[str, tuple]:
    """Where what is shown is not the truth: what is shown, and the truth."""
    return {
        name: (total[name], value)
        for name, value in true.items()
        if total[name] != value and not (total[name] is None and value == 0)
    }


def parts(total: dict[str, Any], *names: str) -> int:
    return sum(total[f"tokens_{name}"] or 0 for name in names)


def test_each_recording_shows_what_the_model_really_served(captures_server):
    wrong = {}
    for recording in recordings():
        key = project_key(recording.name)
        send(captures_server, key, recording, recording.requests)

        total = ask_json(captures_server, key, "/api/v1/usage")["total"]
        calls = ask_json(captures_server, key, "/api/v1/calls")["items"]

        wrong[recording.name] = differences(total, true_usage(recording))
        assert len(calls) + sum(one["failed_before"] for one in calls) == total["calls"]
        assert (total["tokens_in"] or 0) == parts(
            total, "fresh", "cache_read", "cache_write", "tool", "in_undivided"
        )
        assert (total["tokens_out"] or 0) == parts(total, "answer", "reasoning", "out_undivided")
    assert {name: found for name, found in wrong.items() if found} == {}


def shuffled_twice(server: Server, recording: Recording, seed: int) -> dict[str, Any]:
    """What is shown where each request comes twice, in an order of chance."""
    key = project_key(f"{recording.name} shuffled {seed}")
    requests = [*recording.requests, *recording.requests]
    random.Random(seed).shuffle(requests)
    send(server, key, recording, requests)
    return ask_json(server, key, "/api/v1/usage")["total"]


def wrong_in_other_orders(
    server: Server, chosen: Sequence[Recording], seeds: Iterable[int]
) -> dict[str, Any]:
    return {
        f"{recording.name} {seed}": wrong
        for recording in chosen
        for seed in seeds
        if (wrong := differences(shuffled_twice(server, recording, seed), true_usage(recording)))
    }


def test_small_recordings_show_the_same_in_another_order_and_sent_twice(captures_server):
    small = [
        one
        for one in recordings()
        if len(one.requests) > 1 and sum(len(one.sent(item)) for item in one.requests) < SMALL
    ]

    assert len(small) > 4
    assert wrong_in_other_orders(captures_server, small, [7]) == {}


@pytest.mark.promise
def test_every_recording_shows_the_same_in_any_order_and_sent_twice(captures_server):
    assert wrong_in_other_orders(captures_server, recordings(), range(6)) == {}


@pytest.mark.promise
@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
def test_calls_are_counted_where_only_one_signal_is_sent(captures_server, path):
    """Many agents are set up to send either logs or traces. Only one of them may tell tokens."""
    seen, wrong = set(), {}
    for recording in recordings():
        alone = [request for request in recording.requests if request["path"] == path]
        if {"/v1/logs", "/v1/traces"} <= {request["path"] for request in recording.requests}:
            seen.add(recording.name)
            key = project_key(f"{recording.name} {path}")
            send(captures_server, key, recording, alone)
            total = ask_json(captures_server, key, "/api/v1/usage")["total"]
            true = {name: true_usage(recording)[name] for name in ("calls", "failed")}
            if found := differences(total, true):
                wrong[recording.name] = found

    assert len(seen) > 5
    assert wrong == {}
