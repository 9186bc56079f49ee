"""A customer service's agent and a nightly pipeline, as spans, and a service that only logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from demo import otlp
from demo.chance import SECOND_NS, Chance
from demo.otlp import Json
from demo.scripts import CHATTER, RESEARCH, SUPPORT, Case, Step

SUPPORT_SERVICE = {"service.name": "support-agent", "service.version": "3.2.1"}
RESEARCH_SERVICE = {"service.name": "research-pipeline", "service.version": "0.9.0"}
SCOPE = "opentelemetry.instrumentation.openai_v2"
SYSTEM = "You are the customer service of a shoe shop. Be brief, kind and exact."
MODEL, SMALL_MODEL = "gpt-5.1", "gpt-5-mini"
CLIENT, INTERNAL, FAILED = 3, 1, {"code": 2}
"""Of OTLP: the kinds of a span, and the status of one that failed."""


class _Conversation:
    """One customer's question on its way to an answer: a trace."""

    def __init__(self, chance: Chance, begin_ns: int) -> None:
        self.chance = chance
        self.begin_ns = self.now_ns = begin_ns
        self.trace, self.root = chance.hex(32), chance.hex(16)
        self.known = {
            "gen_ai.conversation.id": chance.uuid(),
            "gen_ai.agent.name": "support-agent",
        }
        self.spans: list[Json] = []

    def answer(self, case: Case) -> list[Json]:
        """The spans of the whole."""
        messages = [_message("system", SYSTEM), _message("user", case.question)]
        for step in case.lookups:
            asked = _asks(step, self.chance)
            self._chat(messages, asked)
            self._tool(step, asked)
            messages = [*messages, asked, _gives(step, asked)]
        self._chat(messages, _message("assistant", case.answer))
        given = self.known | {
            "gen_ai.operation.name": "invoke_agent",
            "user.id": f"customer-{self.chance.randrange(1_000, 9_999)}",
        }
        whole, ids = (self.begin_ns, self.now_ns), (self.trace, self.root, "")
        return [
            otlp.span("invoke_agent support-agent", whole, ids, attributes=given, kind=INTERNAL),
            *self.spans,
        ]

    def _chat(self, messages: list[Json], answer: Json) -> None:
        tokens = sum(len(otlp.written(one)) for one in messages) // 3
        given = self.known | {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": MODEL,
            "gen_ai.response.model": MODEL,
            "gen_ai.response.id": f"chatcmpl-{self.chance.hex(20)}",
            "gen_ai.usage.input_tokens": tokens + 900,
            "gen_ai.usage.cache_read.input_tokens": 768,
            "gen_ai.usage.output_tokens": len(otlp.written(answer)) // 3,
            "gen_ai.input.messages": otlp.written(messages),
            "gen_ai.output.messages": otlp.written([answer]),
        }
        self._add(f"chat {MODEL}", 1.7, given, kind=CLIENT)

    def _tool(self, step: Step, asked: Json) -> None:
        given = self.known | {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": step.tool,
            "gen_ai.tool.call.id": asked["parts"][0]["id"],
            "gen_ai.tool.call.arguments": otlp.written(step.arguments),
            "gen_ai.tool.call.result": step.result or None,
            "error.type": step.failure and step.failure.split(":")[0],
            "error.message": step.failure,
        }
        status = {"status": FAILED | {"message": step.failure}} if step.failure else {}
        self._add(f"execute_tool {step.tool}", step.seconds, given, kind=INTERNAL, **status)

    def _add(self, name: str, seconds: float, given: Json, **fields: Any) -> None:
        began_ns = self.now_ns
        self.now_ns += self.chance.ns(seconds)
        ids = (self.trace, self.chance.hex(16), self.root)
        self.spans.append(otlp.span(name, (began_ns, self.now_ns), ids, attributes=given, **fields))


def support(chance: Chance, begin_ns: int) -> Json:
    """The trace of one customer's question."""
    spans = _Conversation(chance, begin_ns).answer(chance.choice(SUPPORT))
    return otlp.traces(SUPPORT_SERVICE, SCOPE, spans)


def _message(role: str, text: str) -> Json:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _asks(step: Step, chance: Chance) -> Json:
    call = {"type": "tool_call", "id": f"call_{chance.hex(20)}", "name": step.tool}
    return {"role": "assistant", "parts": [call | {"arguments": step.arguments}]}


def _gives(step: Step, asked: Json) -> Json:
    part = {"type": "tool_call_response", "id": asked["parts"][0]["id"]}
    return {"role": "tool", "parts": [part | {"response": step.result or step.failure}]}


def research(chance: Chance, begin_ns: int) -> Json:
    """The trace of one night's pipeline, which names no session."""
    trace, root, now = chance.hex(32), chance.hex(16), begin_ns
    spans = []
    for name, seconds in RESEARCH:
        own, started = chance.hex(16), now
        now += chance.ns(seconds)
        failed = name == "check citations" and chance.is_rare(0.4)
        status: dict[str, Any] = {"status": FAILED} if failed else {}
        given = {"error.message": "2 of 31 citations lead nowhere"} if failed else {}
        spans.append(
            otlp.span(name, (started, now), (trace, own, root), attributes=given, **status)
        )
        if name == "write summary":
            at = (started + SECOND_NS // 5, now - SECOND_NS // 5)
            usage = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": SMALL_MODEL,
                "gen_ai.response.id": f"chatcmpl-{chance.hex(20)}",
                "gen_ai.usage.input_tokens": chance.randrange(20_000, 90_000),
                "gen_ai.usage.output_tokens": chance.randrange(800, 2_400),
            }
            ids = (trace, chance.hex(16), own)
            spans.append(otlp.span(f"chat {SMALL_MODEL}", at, ids, attributes=usage, kind=CLIENT))
    whole = otlp.span("nightly digest", (begin_ns, now), (trace, root, ""))
    return otlp.traces(RESEARCH_SERVICE, "pipeline", [whole, *spans])


def chatter(chance: Chance, begin_ns: int, end_ns: int, number: int) -> Iterator[Json]:
    """So many lines of a service's log, as plain JSON."""
    weights = [weight for _, _, weight in CHATTER]
    for at_ns in sorted(chance.randrange(begin_ns, end_ns) for _ in range(number)):
        level, words, _ = chance.choices(CHATTER, weights)[0]
        text = words.format(n=chance.randrange(10_000, 99_999), ms=chance.randrange(2, 340))
        yield {
            "ts_ns": str(at_ns),
            "severity": level,
            "message": text,
            "resource": {"service.name": "orders-api", "service.version": "5.14.0"},
            "id": chance.hex(32),
            "attributes": {"host": f"orders-{chance.randrange(1, 4)}", "region": "eu-central-1"},
        }
