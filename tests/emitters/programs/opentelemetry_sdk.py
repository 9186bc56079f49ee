"""OpenTelemetry's SDK by hand: calls as the GenAI conventions have them, and logs within."""

import json
import logging
import os
import urllib.request

from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

traces, logs = TracerProvider(), LoggerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
set_logger_provider(logs)
tracer, logger = traces.get_tracer("agent"), logs.get_logger("agent")


def call(messages: list) -> dict:
    """Call the model within a span of the GenAI conventions."""
    said = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"}
    said["gen_ai.request.model"] = "gpt-4o"
    with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=said) as span:
        body = json.dumps({"model": "gpt-4o", "messages": messages}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{os.environ['MODEL']}/chat/completions", body, headers)
        with urllib.request.urlopen(request) as response:
            answer = json.load(response)
        span.set_attribute("gen_ai.response.id", answer["id"])
        span.set_attribute("gen_ai.usage.input_tokens", answer["usage"]["prompt_tokens"])
        span.set_attribute("gen_ai.usage.output_tokens", answer["usage"]["completion_tokens"])
        span.add_event("answered")
        logger.emit(event_name="agent.step", body={"id": answer["id"]})
    return answer["choices"][0]["message"]


with tracer.start_as_current_span(
    "invoke_agent", attributes={"gen_ai.operation.name": "invoke_agent"}
):
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    messages += [call(messages), {"role": "tool", "tool_call_id": "call_1", "content": "17"}]
    print(call(messages)["content"])
traces.shutdown()
logs.shutdown()
logging.shutdown()
