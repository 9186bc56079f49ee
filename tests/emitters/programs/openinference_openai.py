"""OpenAI's client, instrumented by OpenInference: a call, a tool, a call."""

import os

from openai import OpenAI
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

traces = TracerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument(tracer_provider=traces)
client = OpenAI(base_url=os.environ["MODEL"], api_key="none")

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]
messages = [{"role": "user", "content": "What is the weather in Paris?"}]
asks = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS)
said = asks.choices[0].message
messages += [said, {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "17"}]
answers = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS)
print(answers.choices[0].message.content)
traces.shutdown()
