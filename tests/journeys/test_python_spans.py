"""OpenTelemetry's Python SDK sends spans, the API gives them back with their events and parents."""

from __future__ import annotations

import uuid

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind

from tests.journeys.talking import stored_records


@pytest.fixture
def session() -> str:
    """The agent's session, by which its spans are told from those of other journeys."""
    return str(uuid.uuid4())


@pytest.mark.parametrize(
    "compression", [Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"]
)
def test_an_agents_run_comes_back_as_a_tree(shared_server, session, compression):
    provider = TracerProvider(
        resource=Resource({"session.id": session, "service.name": "agent"}), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(
        endpoint=f"{shared_server.address}/v1/traces", compression=compression
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("journey", "1.2.3")
    with tracer.start_as_current_span(
        "invoke_agent", attributes={"gen_ai.operation.name": "invoke_agent"}
    ) as agent:
        with tracer.start_as_current_span(
            "chat gpt-5",
            kind=SpanKind.CLIENT,
            attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5"},
        ) as chat:
            chat.add_event("first token", {"index": 0})
        with (
            pytest.raises(ValueError, match="no such file"),
            tracer.start_as_current_span("execute_tool", links=[Link(chat.get_span_context())]),
        ):
            raise ValueError("no such file")
    provider.shutdown()

    found = {record["event"]: record for record in stored_records(shared_server, session=session)}

    assert found.keys() == {
        "invoke_agent",
        "chat gpt-5",
        "first token",
        "execute_tool",
        "exception",
    }
    trace = f"{agent.get_span_context().trace_id:032x}"
    assert {record["trace_id"] for record in found.values()} == {trace}
    root, call, tool = (found[name] for name in ("invoke_agent", "chat gpt-5", "execute_tool"))
    assert (root["kind"], root["parent_span_id"]) == ("agent", None)
    assert (call["kind"], call["model"], call["ok"]) == ("llm", "gpt-5", None)
    assert call["parent_span_id"] == tool["parent_span_id"] == root["span_id"]
    assert int(call["ts_ns"]) == chat.start_time
    assert int(call["duration_ns"]) == chat.end_time - chat.start_time
    assert call["envelope"]["span"]["kind"] == "client"
    assert (tool["ok"], tool["error_message"]) == (False, "ValueError: no such file")
    assert tool["envelope"]["span"]["links"][0]["span_id"] == call["span_id"]
    assert found["first token"]["span_id"] == call["span_id"]
    assert (found["exception"]["error_type"], found["exception"]["kind"]) == ("ValueError", "error")
