"""OpenAI's Agents SDK sends its own traces by its own exporter, which is no OTLP."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.emitters import environments
from tests.emitters.model import ANSWERS, ASKS, Model
from tests.emitters.relay import Relay
from tests.journeys.talking import stored_records

pytestmark = pytest.mark.emitter


def test_what_openai_agents_sends_is_what_is_shown(
    *, environment, session, relay: Relay, model: Model, shared_server
):
    python = environments.python_of("openai-agents")
    environments.run(python, "openai_agents.py", environment)
    shown = stored_records(shared_server, session=session)

    assert len(model.asked) == 2
    assert {(path, status) for path, _, _, status in relay.requests} == {("/v1/traces/ingest", 200)}
    sent = [item for _, _, body, _ in relay.requests for item in json.loads(body)["data"]]
    wanted = Counter((item.get("trace_id") or item["id"], item.get("parent_id")) for item in sent)
    assert Counter((each["trace_id"], each["parent_span_id"]) for each in shown) == wanted

    calls = [(each["tokens_in"], each["tokens_out"]) for each in shown if each["kind"] == "llm"]
    assert calls == [(ANSWERS.input, ANSWERS.output), (ASKS.input, ASKS.output)]
