"""Spans of calls of models as instrumentations send them, and a client that sends them."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from bench.records import WORDS

HOST = "127.0.0.1"
ANSWER_SECONDS = 60
WORDS_A_TEXT = 110
"""Of a prompt and of an answer: together about 1.5 KB a span."""
OK = 300
"""Answers below this are success."""


@dataclass
class Sent:
    """What one client sent, and how long each answer took, in seconds."""

    acknowledged: int = 0
    """Spans."""
    refused: int = 0
    """Requests."""
    latencies: list[float] = field(default_factory=list)


def send_for(port: int, headers: Mapping[str, str], seconds: float, spans: int, seed: int) -> Sent:
    """Send requests of so many spans, each answered before the next, for so many seconds."""
    chance = random.Random(seed)
    message = request_of(spans, chance)
    sent = Sent()
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    told = {"Content-Type": "application/x-protobuf", **headers}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        renew(message, chance)
        body = message.SerializeToString()
        begun = time.monotonic()
        try:
            connection.request("POST", "/v1/traces", body, told)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            sent.refused += 1
            time.sleep(0.05)
            continue
        if response.status < OK:
            sent.acknowledged += spans
            sent.latencies.append(time.monotonic() - begun)
        else:
            sent.refused += 1
    connection.close()
    return sent


def renew(message: ExportTraceServiceRequest, chance: random.Random) -> None:
    """Give each span ids and times of its own: none may be taken for one that was sent before."""
    now = time.time_ns()
    trace = chance.randbytes(16)
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.trace_id = trace
        span.span_id = chance.randbytes(8)
        span.start_time_unix_nano = now
        span.end_time_unix_nano = now + 1_500_000_000


def request_of(spans: int, chance: random.Random) -> ExportTraceServiceRequest:
    """A request of so many spans, whose ids and times `renew` sets."""
    made = [_span(chance) for _ in range(spans)]
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=_attributes({"service.name": "support-agent"})),
                scope_spans=[
                    ScopeSpans(scope=InstrumentationScope(name="openinference"), spans=made)
                ],
            )
        ]
    )


def _span(chance: random.Random) -> Span:
    asked, answered = (" ".join(chance.choices(WORDS, k=WORDS_A_TEXT)) for _ in range(2))
    return Span(
        name="ChatCompletion",
        kind=Span.SPAN_KIND_INTERNAL,
        status=Status(code=Status.STATUS_CODE_OK),
        attributes=_attributes(
            {
                "openinference.span.kind": "LLM",
                "llm.system": "openai",
                "llm.model_name": "gpt-4o",
                "llm.token_count.prompt": chance.randrange(3_000),
                "llm.token_count.completion": chance.randrange(900),
                "session.id": f"session-{chance.randrange(50)}",
                "input.value": json.dumps([{"role": "user", "content": asked}]),
                "input.mime_type": "application/json",
                "output.value": answered,
            }
        ),
    )


def _attributes(values: Mapping[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(
            key=key,
            value=AnyValue(string_value=value)
            if isinstance(value, str)
            else AnyValue(int_value=value),
        )
        for key, value in values.items()
    ]
