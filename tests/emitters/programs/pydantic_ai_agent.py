"""An agent of pydantic-ai, instrumented by itself."""

import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

traces = TracerProvider()
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
model = OpenAIChatModel(
    "gpt-4o", provider=OpenAIProvider(base_url=os.environ["MODEL"], api_key="none")
)
instrumentation = Instrumentation(InstrumentationSettings(tracer_provider=traces))
agent = Agent(model, name="weather", capabilities=[instrumentation])


@agent.tool_plain
def get_weather(city: str) -> str:
    """What the weather is in a city."""
    return f"17 degrees in {city}"


print(agent.run_sync("What is the weather in Paris?").output)
traces.shutdown()
