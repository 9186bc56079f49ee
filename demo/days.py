"""Three days, request by request: who sends what to which door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo import coding, serving
from demo.chance import DAY_NS, SECOND_NS, Chance
from demo.scripts import CODING

HOUR_NS = 3_600 * SECOND_NS
DAYS = 3
SESSIONS_A_DAY = 9
QUESTIONS_A_DAY = 14
LINES_A_DAY = 700
NIGHT_NS = 2 * HOUR_NS
"""When the pipeline begins, in UTC."""
WORK_BEGINS, WORK_ENDS = 8, 19
LEAST_PAST_NS = 600 * SECOND_NS
"""A session begins at least so long ago: nothing of the demo may be recorded in the future."""


@dataclass(frozen=True)
class Request:
    """What is sent to one door."""

    path: str
    body: bytes
    content_type: str = "application/json"
    is_good: bool = True
    """Whether a server takes it; the ledger of ingest shows the others."""


def requests(seed: int, until_ns: int) -> Iterator[Request]:
    """Every request of the three days before `until_ns`; the same for the same two numbers."""
    chance = Chance(seed)
    for day in range(DAYS):
        begin_ns = until_ns - (DAYS - day) * DAY_NS
        end_ns = min(begin_ns + DAY_NS, until_ns) - LEAST_PAST_NS
        times = _at_work(chance, begin_ns, end_ns, SESSIONS_A_DAY)
        for export in coding.sessions(chance, CODING, times):
            yield _otlp("/v1/logs", export)
        for at_ns in _at_work(chance, begin_ns, end_ns, QUESTIONS_A_DAY):
            yield _otlp("/v1/traces", serving.support(chance, at_ns))
        night_ns = begin_ns - begin_ns % DAY_NS + DAY_NS + NIGHT_NS
        if night_ns < end_ns:
            yield _otlp("/v1/traces", serving.research(chance, night_ns))
        lines = serving.chatter(chance, begin_ns, end_ns, LINES_A_DAY)
        body = "\n".join(json.dumps(line) for line in lines)
        yield Request("/api/v1/logs", body.encode(), "application/x-ndjson")
    yield from _for_the_ledger(until_ns)


def _at_work(chance: Chance, begin_ns: int, end_ns: int, number: int) -> list[int]:
    """So many moments, most of them in working hours, and always one within the last hour."""
    moments: list[int] = []
    while len(moments) < number - 1:
        moment = chance.randrange(begin_ns, end_ns)
        hour = moment // HOUR_NS % 24
        if WORK_BEGINS <= hour < WORK_ENDS or chance.is_rare(0.05):
            moments.append(moment)
    return sorted([*moments, end_ns - chance.randrange(HOUR_NS // 2)])


def _for_the_ledger(until_ns: int) -> Iterator[Request]:
    """What goes wrong in real life: a secret, the same twice, a wrong door, and what is no JSON."""
    secret = {
        "ts_ns": str(until_ns - LEAST_PAST_NS),
        "severity": "warn",
        "message": "could not sign in with password=hunter2-and-more, trying the next",
        "resource": {"service.name": "orders-api"},
        "id": f"demo-{until_ns}",
    }
    yield Request("/api/v1/logs", json.dumps(secret).encode())
    yield Request("/api/v1/logs", json.dumps(secret).encode())
    export: dict[str, Any] = {"resourceLogs": []}
    yield Request("/v1/logs/v1/logs", json.dumps(export).encode(), is_good=False)
    yield Request("/api/v1/logs", b'{"message": "cut off', is_good=False)


def _otlp(path: str, export: Any) -> Request:
    return Request(path, json.dumps(export).encode())
