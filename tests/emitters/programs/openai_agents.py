"""An agent of OpenAI's Agents SDK, whose own exporter sends its traces."""

import asyncio
import os

from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner, function_tool
from agents.tracing import set_trace_processors
from agents.tracing.processors import BackendSpanExporter, BatchTraceProcessor
from openai import AsyncOpenAI

endpoint = f"{os.environ['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces/ingest"
processor = BatchTraceProcessor(BackendSpanExporter(api_key="none", endpoint=endpoint))
set_trace_processors([processor])


@function_tool
def get_weather(city: str) -> str:
    """What the weather is in a city."""
    return f"17 degrees in {city}"


client = AsyncOpenAI(base_url=os.environ["MODEL"], api_key="none")
model = OpenAIChatCompletionsModel("gpt-4o", openai_client=client)
agent = Agent(name="weather", model=model, tools=[get_weather])
settings = RunConfig(workflow_name="weather", group_id=os.environ["SESSION"])
done = asyncio.run(Runner.run(agent, "What is the weather in Paris?", run_config=settings))
print(done.final_output)
processor.shutdown()
