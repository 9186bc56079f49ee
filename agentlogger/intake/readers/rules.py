"""From the counts that an emitter sends to tokens as the provider bills them: the rules.

The same attribute means different things: Anthropic's API counts cached tokens beside the input and
OpenAI's within it, Gemini's counts thoughts beside the output. A number is only ever kept with the
name of the rule that made it (`Usage.rule`):

- `inclusive`: as sent; the input holds what was cached, the output what was reasoned.
- `exclusive_cache`: what was read from a cache and written to one was added to the input.
- `reasoning_apart`: what was reasoned was added to the output.
- `thoughts_apart`: Gemini's thoughts were added to the output, its tool-use prompts to the input.
- `candidates_only`: Gemini's output without its thoughts, which were not told: no output at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any, Final

import orjson

from agentlogger.intake.call import Usage
from agentlogger.limits import INTEGER_MAX

DIGITS: Final = 19
"""Digits of the longest count within 64 bits."""
DECIMAL: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,30})?([eE]-?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Names:
    """By which names an emitter sends each count; the first that is there is taken."""

    input: tuple[str, ...]
    output: tuple[str, ...]
    cache_read: tuple[str, ...] = ()
    cache_write: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    total: tuple[str, ...] = ()


Rule = Callable[[Usage, int | None], None]
"""Makes of the counts as sent, and their total, those that are billed, and names itself."""


def usage(
    values: Mapping[str, Any], names: Names, rule: Rule, *, failed: bool = False
) -> Usage | None:
    """The tokens that these values tell; None where they tell none.

    Zeros alone are what some emitters write where the provider told nothing, unless the call failed
    and there was nothing to bill.
    """
    told = Usage(
        input=_first(values, names.input),
        cache_read=_first(values, names.cache_read),
        cache_write=_first(values, names.cache_write),
        tool=_first(values, names.tool),
        output=_first(values, names.output),
        reasoning=_first(values, names.reasoning),
        rule="",
    )
    if told.input is None and told.output is None and told.tool is None:
        return None
    if not failed and not (told.input or told.output or told.cache_read or told.cache_write):
        return None
    rule(told, _first(values, names.total))
    return told


def by_numbers(told: Usage, total: int | None) -> None:
    """OpenTelemetry's counts are inclusive, but not every instrumentation's: the numbers tell.

    A part cannot be larger than the whole, and a total that is the sum of a part and the whole
    says that the part stood beside it.
    """
    cached = (told.cache_read or 0) + (told.cache_write or 0)
    reasoned = told.reasoning or 0
    beyond = total - (told.input or 0) - (told.output or 0) if total is not None else 0
    # A total that is the sum of all four says it of both parts.
    beside = {cached, cached + reasoned} if cached else set()
    rules = []
    if told.input is not None and cached and (cached > told.input or beyond in beside):
        told.input = _sum(told.input, cached)
        rules.append("exclusive_cache")
        beyond -= cached
    if told.output is not None and reasoned and (reasoned > told.output or beyond == reasoned):
        told.output = _sum(told.output, reasoned)
        rules.append("reasoning_apart")
    told.rule = "+".join(rules) or "inclusive"


def exclusive_cache(told: Usage, _total: int | None) -> None:
    """Anthropic's own counts: without one of the parts the whole is unknown."""
    told.input = _sum(told.input, told.cache_read, told.cache_write)
    told.rule = "exclusive_cache"


def thoughts_apart(told: Usage, _total: int | None) -> None:
    """Gemini's own counts; a count of tools that is not sent is a prompt without any."""
    told.output = _sum(told.output, told.reasoning)
    told.input = _sum(told.input, told.tool or 0)
    told.rule = "thoughts_apart"


def candidates_only(told: Usage, _total: int | None) -> None:
    """Gemini's counts where its thoughts are not told: how much was billed is then unknown."""
    told.output = None
    told.rule = "candidates_only"


def count(given: Any) -> int | None:
    """A count of tokens, as a number or as its digits: Codex sends half of its counts as text."""
    if given is None:
        return None
    if given.__class__ is not int:
        if isinstance(given, str):
            if not (given.isdigit() and given.isascii() and len(given) <= DIGITS):
                return None
        elif not isinstance(given, float) or not given.is_integer():
            return None
        given = int(given)
    return given if 0 <= given <= INTEGER_MAX else None


def decimal(given: Any) -> Decimal | None:
    """An amount of money, exactly as it was written; None where it is none."""
    if isinstance(given, str):
        return Decimal(given) if DECIMAL.fullmatch(given) else None
    if isinstance(given, bool) or not isinstance(given, int | float) or not isfinite(given):
        return None
    return Decimal(repr(given))


def from_json(given: Any) -> dict[str, Any]:
    """The values in an object, or in the text of one; those of an inner one as `outer.inner`."""
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            return {}
    if not isinstance(given, dict):
        return {}
    values = dict(given)
    for outer, inner in given.items():
        if isinstance(inner, dict):
            values.update({f"{outer}.{name}": value for name, value in inner.items()})
    return values


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        told = count(values.get(name))
        if told is not None:
            return told
    return None


def _sum(*counts: int | None) -> int | None:
    whole = 0
    for each in counts:
        if each is None:
            return None
        whole += each
    return whole if whole <= INTEGER_MAX else None
