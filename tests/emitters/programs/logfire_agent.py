"""The same agent, instrumented by logfire, which sends nothing to its own server."""

import os

import logfire
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

logfire.configure(send_to_logfire=False, console=False, service_name="weather")
logfire.instrument_pydantic_ai()
model = OpenAIChatModel(
    "gpt-4o", provider=OpenAIProvider(base_url=os.environ["MODEL"], api_key="none")
)
agent = Agent(model, name="weather")


@agent.tool_plain
def get_weather(city: str) -> str:
    """What the weather is in a city."""
    logfire.info("looking at {city}", city=city)
    return f"17 degrees in {city}"


print(agent.run_sync("What is the weather in Paris?").output)
logfire.shutdown()
