"""Requests as chance draws them: whatever a client can say, and what is hard to keep more often.

By chance alone and not by Hypothesis, which takes three milliseconds an event, a hundred times as
long: the proof shrinks nothing, since its failure names the field and shows the event.
"""

from __future__ import annotations

import random
import struct
from typing import Any

from tests.intake.exports import Map, Record, Resource, Scope
from tests.promises.round_trip.events import MARK, SESSION, Junk, Said

PARTS = 12
EVENTS = 12
"""In each part at least, and twice as many at most: a page of the API has room for all."""

ALPHABETS = (
    [(0x20, 0x7E)],
    [(0x00, 0x2FF)],
    [(0x0000, 0xFFFF)],
    [(0xD7F0, 0xE010)],
    [(0x20, 0x7E), (0x10000, 0x10FFFF), (0x300, 0x36F)],
)
"""Ranges of code points: letters, controls, surrogates alone, marks that combine, all planes."""
LENGTHS = (0, 1, 1, 2, 3, 5, 8, 12)
ODD_TEXTS = (
    "x" * 512, "x" * 513, "\U0001f600" * 513, "a\0b", "\ud800", "é", "e\u0301",
    "\u202e\x1b[31m", "NaN", "\ufffd", "0",
)  # fmt: skip
"""Those on the edge of what a column holds, and those that something on the way may change."""
KEYS = ("a", "a\0", "a\ufffd", "a\ufffd~2", "", "user.id", "gen_ai.tool.name", "model", "a.b")

EDGES = (
    2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**30, 2**64, 0, 1, -1,
)  # fmt: skip
BITS = (1, 8, 31, 32, 53, 54, 63, 64, 65, 128)
DOUBLES = (
    -0.0, 0.0, 1e16, 1e22, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 0.1, 1.0,
    float("nan"), float("inf"), float("-inf"), 9007199254740993.0, 1e-7, 0.5,
)  # fmt: skip
TIMES = (1, 2**63 - 1, 2**63, 2**64 - 1)
YEARS = (1_600_000_000 * 10**9, 1_900_000_000 * 10**9)
JUNK = (
    ("42", "record.not_object"),
    ("null", "record.not_object"),
    ('"{}"', "record.not_object"),
    ("{", "record.undecodable"),
)


def draw_request(seed: str) -> list[Said]:
    """A request of several parts; the same for the same seed."""
    chance = random.Random(seed)
    parts: list[Said] = []
    marked = 0
    for _ in range(chance.randint(1, PARTS)):
        parts.append(_part(chance, marked))
        marked += len(parts[-1].events)
    return parts


def _part(chance: random.Random, marked: int) -> Said:
    events = [_record(chance, marked + n) for n in range(chance.randint(EVENTS, 2 * EVENTS))]
    scope = Scope(
        name="" if chance.random() < 0.3 else _text(chance),
        version=_text(chance)[:4],
        attributes=_map(chance, 9),
        dropped=_count(chance),
        schema_url=_text(chance)[:4],
        records=events,
    )
    resource = Resource(
        attributes=_map(chance, 9),
        dropped=_count(chance),
        schema_url=_text(chance)[:4],
        scopes=[scope],
    )
    junk = [
        Junk(chance.randint(0, EVENTS), *chance.choice(JUNK)) for _ in range(chance.randint(0, 2))
    ]
    return Said(resource, tuple(junk))


def _record(chance: random.Random, mark: int) -> Record:
    severity = chance.choice((-1, 25, 2**31 - 1)) if chance.random() < 0.2 else None
    return Record(
        time=_time(chance),
        observed=_time(chance),
        severity=chance.randint(0, 24) if severity is None else severity,
        severity_text=chance.choice(("", "WARN", "error", "Level 5", "a\0")),
        event_name=chance.choice(("", _text(chance)[:8], "codex.tool_result\0")),
        body=_value(chance),
        attributes=Map([(MARK, mark), *_map(chance, 0)]),
        dropped=_count(chance),
        flags=_count(chance),
        trace_id=_id(chance, 16),
        span_id=_id(chance, 8),
    )


def _text(chance: random.Random) -> str:
    if chance.random() < 0.25:
        return chance.choice(ODD_TEXTS)
    ranges = chance.choice(ALPHABETS)
    drawn = "".join(
        chr(chance.randint(*chance.choice(ranges))) for _ in range(chance.choice(LENGTHS))
    )
    # No two surrogates are a pair: written as JSON these would be a character.
    return drawn.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _key(chance: random.Random) -> str:
    while True:
        key = chance.choice(KEYS) if chance.random() < 0.6 else _text(chance)[:8]
        if key not in {MARK, SESSION}:
            return key


def _integer(chance: random.Random) -> int:
    if chance.random() < 0.3:
        return chance.choice(EDGES)
    return chance.choice((1, -1)) * chance.getrandbits(chance.choice(BITS))


def _double(chance: random.Random) -> float:
    kind = chance.random()
    if kind < 0.4:
        return chance.choice(DOUBLES)
    if kind < 0.6:
        return round(chance.uniform(-1000, 1000), chance.randint(0, 4))
    # Any bits: all sizes, subnormal numbers, NaNs with a load.
    number: float = struct.unpack("<d", chance.randbytes(8))[0]
    return number


PLAIN = (
    lambda chance: None,  # noqa: ARG005  (drawn like the others)
    lambda chance: chance.random() < 0.5,
    _text,
    _text,
    _integer,
    _double,
    lambda chance: chance.randbytes(chance.randrange(9)),
)


def _value(chance: random.Random, level: int = 0) -> Any:
    """A value; the deepest lists and maps stand on the edge of what is kept."""
    kind = chance.random()
    if kind < 0.03 and not level:
        return _nested(chance.randint(60, 68))
    if kind < 0.18 and level < 4:
        return [_value(chance, level + 1) for _ in range(chance.randrange(4))]
    if kind < 0.33 and level < 4:
        return _map(chance, level + 1)
    return chance.choice(PLAIN)(chance)


def _map(chance: random.Random, level: int) -> Map:
    return Map((_key(chance), _value(chance, level)) for _ in range(chance.randrange(4)))


def _nested(levels: int) -> Any:
    value: Any = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else Map([("k", value)])
    return value


def _time(chance: random.Random) -> int:
    kind = chance.random()
    if kind < 0.25:
        return 0
    if kind < 0.6:
        return chance.randint(*YEARS)
    return chance.choice(TIMES) if kind < 0.75 else chance.randint(1, 2**64 - 1)


def _count(chance: random.Random) -> int:
    return 0 if chance.random() < 0.5 else chance.getrandbits(32)


def _id(chance: random.Random, size: int) -> bytes:
    kind = chance.random()
    if kind < 0.2:
        return b""
    if kind < 0.7:
        return chance.randbytes(size)
    return chance.randbytes(chance.randrange(21)) if kind < 0.9 else bytes(size)
