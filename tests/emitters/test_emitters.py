"""What real emitters send is what is shown: each record, and each call with its tokens."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.emitters import environments
from tests.emitters.model import ANSWERS, ASKS, Model
from tests.emitters.relay import Relay
from tests.journeys import node
from tests.journeys.serving import Server
from tests.journeys.talking import stored_records

pytestmark = pytest.mark.emitter

JAVASCRIPT = environments.FOLDER / "javascript"

GEN_AI = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")


@dataclass(frozen=True)
class Emitter:
    """A program, the environment that it runs in, and where it says what its calls cost."""

    program: str
    packages: str
    tokens: tuple[str, str] = GEN_AI

    def run(self, environment: dict[str, str]) -> None:
        """Let it work."""
        if self.program.endswith(".cjs"):
            packages = node.installed_packages(JAVASCRIPT)
            node.run(self.program, packages, environment, JAVASCRIPT)
        else:
            environments.run(environments.python_of(self.packages), self.program, environment)


EMITTERS = {
    "opentelemetry-python": Emitter("opentelemetry_sdk.py", "openinference"),
    "opentelemetry-javascript": Emitter("agent.cjs", "javascript"),
    "pydantic-ai": Emitter("pydantic_ai_agent.py", "pydantic-ai"),
    "logfire": Emitter("logfire_agent.py", "pydantic-ai"),
    "openinference-openai": Emitter(
        "openinference_openai.py",
        "openinference",
        ("llm.token_count.prompt", "llm.token_count.completion"),
    ),
}


def shown_of(server: Server, session: str) -> list[dict[str, Any]]:
    """The records of an emitter, newest first. Some name another session than the resource's."""
    return [
        record
        for record in stored_records(server)
        if session in {record["session_id"], record["resource"].get("session.id")}
    ]


def ids(record: dict[str, Any]) -> tuple[str | None, str | None]:
    return record["trace_id"], record["span_id"]


@pytest.mark.parametrize("emitter", EMITTERS.values(), ids=EMITTERS)
def test_what_an_emitter_sends_is_what_is_shown(
    *, emitter: Emitter, environment, session, relay: Relay, model: Model, shared_server
):
    emitter.run(environment)
    shown = shown_of(shared_server, session)

    assert len(model.asked) == 2
    assert relay.statuses() == {200}
    assert Counter(map(ids, shown)) == relay.records()
    spans = [record for record in shown if "span" in (record["envelope"] or {})]
    assert sorted(record["event"] for record in spans) == sorted(
        span.name for span in relay.spans()
    )
    assert all(record["duration_ns"] is not None for record in spans)

    calls = [record for record in spans if record["kind"] == "llm"]
    counts = [tuple(call["attributes"][name] for name in emitter.tokens) for call in calls]
    # Newest first.
    assert counts == [(ANSWERS.input, ANSWERS.output), (ASKS.input, ASKS.output)]
    assert [(call["tokens_in"], call["tokens_out"]) for call in calls] == counts
    assert {call["model"] for call in calls} == {"gpt-4o"}
