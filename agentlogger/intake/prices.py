"""What a call costs: by the user's own table of prices, else by that of `genai-prices`.

Nothing here asks the network: the table is the one of the release that is installed, and its
version is kept with each cost.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agentlogger.errors import SettingInvalid
from agentlogger.intake.call import Usage
from agentlogger.limits import INTEGER_MAX

SETTING = "AGENTLOGGER_PRICES"
PARTS = ("input", "output", "cache_read", "cache_write")
"""The prices that a model may have in a table of the user's own, in US dollars a million tokens.
That is micro-dollars a token."""

MODELS_KEPT = 1_024
"""Models whose prices are remembered: clients choose the names, so there is no end to them."""

HOUR_NS = 3_600 * 10**9

LONGEST_NAME = 200
"""Characters of a model's name beyond which nobody has a price for it."""

PROVIDERS = {
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "aws.bedrock": "aws",
    "bedrock": "aws",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "mistral_ai": "mistral",
    "vertex_ai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
"""OpenTelemetry's names of providers, and those of the table."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost in millionths of a US dollar, and where it comes from."""

    micro_usd: int
    source: str
    """computed, or upper_bound where the cached part of the input is unknown."""
    version: str


@dataclass(frozen=True, slots=True)
class Rate:
    """Micro-dollars a token, and from which number of input tokens on it is another."""

    first: Decimal
    steps: tuple[tuple[int, Decimal], ...] = ()

    def of(self, input_tokens: int) -> Decimal:
        """The rate of all tokens of a call with so many of input."""
        found = self.first
        for start, rate in self.steps:
            if input_tokens > start:
                found = rate
        return found


@dataclass(frozen=True, slots=True)
class Rates:
    """What a model takes. None: it has no price of its own, and the input's is taken."""

    input: Rate
    output: Rate
    cache_read: Rate | None
    cache_write: Rate | None


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """One line of the user's own table."""

    model: str
    provider: str | None
    rates: Rates


@dataclass(frozen=True)
class Prices:
    """Prices by model and provider; lines of the user's own go before the table's."""

    own: tuple[OwnPrice, ...] = ()
    own_version: str = ""
    _known: dict[tuple[str, str | None], Rates | None] = field(default_factory=dict, repr=False)

    def cost(
        self, usage: Usage, model: str | None, provider: str | None, ts_ns: int
    ) -> Cost | None:
        """What a call cost at its time; None where a count or the price is unknown."""
        if model is None or usage.input is None or usage.output is None:
            return None
        rates, priced_by = self._own(model, provider), self.own_version
        if rates is None:
            rates, priced_by = _shipped(model, provider, ts_ns), _shipped_version()
        if rates is None:
            return None
        return _cost(usage, usage.input, usage.output, rates, priced_by)

    def _own(self, model: str, provider: str | None) -> Rates | None:
        if not self.own:
            return None
        asked = (model, provider)
        if asked not in self._known:
            if len(self._known) >= MODELS_KEPT:
                self._known.clear()
            self._known[asked] = next((one.rates for one in self.own if _is_for(one, *asked)), None)
        return self._known[asked]


SHIPPED = Prices()
"""The prices of the installed release alone."""


def read(path: Path | None) -> Prices:
    """The user's own prices before the shipped ones. Raises SettingInvalid."""
    if path is None:
        return SHIPPED
    try:
        text = path.read_bytes()
        given = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except OSError as fault:
        raise _invalid(path, f"cannot be read ({fault.strerror})") from None
    except (ValueError, RecursionError) as fault:
        raise _invalid(path, f"is not JSON ({fault})") from None
    lines = given.get("models") if isinstance(given, dict) else None
    if not isinstance(lines, list) or set(given) - {"version", "models"}:
        raise _invalid(path, 'must be an object with "models", a list, and perhaps "version"')
    named = given.get("version") or sha256(text).hexdigest()[:12]
    own = tuple(_line(path, index, line) for index, line in enumerate(lines))
    return Prices(own=own, own_version=f"own {named}")


def _line(path: Path, index: int, line: Any) -> OwnPrice:
    where = f"models[{index}]"
    if not isinstance(line, dict) or not isinstance(line.get("model"), str):
        raise _invalid(path, f'{where} must be an object with "model", a name such as "gpt-5*"')
    unknown = sorted(set(line) - {"model", "provider", *PARTS})
    if unknown:
        raise _invalid(path, f"{where} has {unknown[0]!r}, which means nothing here")
    provider = line.get("provider")
    if provider is not None and not isinstance(provider, str):
        raise _invalid(path, f"{where}.provider must be a text")
    rates: dict[str, Rate | None] = {}
    for part in PARTS:
        given = line.get(part)
        if given is None and part not in {"input", "output"}:
            rates[part] = None
        elif isinstance(given, Decimal) and given.is_finite() and 0 <= given <= INTEGER_MAX:
            rates[part] = Rate(given)
        else:
            raise _invalid(
                path, f"{where}.{part} must be US dollars a million tokens, a number from 0 on"
            )
    return OwnPrice(line["model"].lower(), provider, Rates(**rates))  # type: ignore[arg-type]  # of PARTS


def _invalid(path: Path, reason: str) -> SettingInvalid:
    return SettingInvalid(
        f"{SETTING} names {path}, and that file {reason}: docs/reference.md shows what it holds; "
        "correct it or unset the setting."
    )


def _is_for(line: OwnPrice, model: str, provider: str | None) -> bool:
    if line.provider is not None and line.provider != provider:
        return False
    return fnmatchcase(model.lower(), line.model)


def _cost(usage: Usage, whole: int, output: int, rates: Rates, priced_by: str) -> Cost | None:
    read, written = usage.cache_read or 0, usage.cache_write or 0
    fresh = whole - read - written
    if fresh < 0:
        return None
    fresh_rate = rates.input.of(whole)
    is_bound = usage.cache_read is None and rates.cache_read is not None
    if is_bound and usage.cache_write is None and rates.cache_write is not None:
        # What is not known to be written may have been, and that costs more than the input.
        fresh_rate = max(fresh_rate, rates.cache_write.of(whole))
    micro_usd = (
        fresh * fresh_rate
        + read * (rates.cache_read or rates.input).of(whole)
        + written * (rates.cache_write or rates.input).of(whole)
        + output * rates.output.of(whole)
    ).to_integral_value(ROUND_HALF_UP)
    if micro_usd > INTEGER_MAX:
        return None
    return Cost(int(micro_usd), "upper_bound" if is_bound else "computed", priced_by)


def _shipped(model: str, provider: str | None, ts_ns: int) -> Rates | None:
    if len(model) > LONGEST_NAME:
        return None
    entry = _entry(model, provider)
    if entry is None:
        return None
    # Some prices have a beginning, and some hours of the day.
    dated = isinstance(entry.prices, list)
    return _rates(model, provider, ts_ns // HOUR_NS if dated else None)


@lru_cache(maxsize=MODELS_KEPT)
def _entry(model: str, provider: str | None) -> Any:
    """The table's entry of a model, or None.

    The library's own look-up remembers every name it is asked for, so that a client could fill the
    memory with them.
    """
    table, name = _table(), model.lower()
    if provider is None:
        offering = _first(table, lambda one: one.model_match, name)
    else:
        known = PROVIDERS.get(provider.lower(), provider.lower())
        offering = next((one for one in table if one.id == known), None) or _first(
            table, lambda one: one.provider_match, known
        )
    return None if offering is None else offering.find_model(name, all_providers=table)


def _first(table: Any, match: Callable[[Any], Any], name: str) -> Any:
    return next((one for one in table if match(one) and match(one).is_match(name)), None)


@lru_cache(maxsize=MODELS_KEPT)
def _rates(model: str, provider: str | None, hour: int | None) -> Rates | None:
    """What the table says of a model in an hour; None where it is not priced by tokens."""
    entry = _entry(model, provider)
    price = (
        entry.prices
        if hour is None
        else entry.get_prices(datetime.fromtimestamp(hour * HOUR_NS / 10**9, UTC))
    )
    parts = {part: _rate(getattr(price, f"{part}_mtok")) for part in PARTS}
    if parts["input"] is None:
        return None
    # Embeddings have no output, and no price of it.
    parts["output"] = parts["output"] or Rate(Decimal(0))
    return Rates(**parts)  # type: ignore[arg-type]  # input and output are there


def _rate(given: Any) -> Rate | None:
    if given is None:
        return None
    if isinstance(given, Decimal):
        return Rate(given)
    return Rate(given.base, tuple((tier.start, tier.price) for tier in given.tiers))


@cache
def _table() -> Any:
    """The table's providers, loaded when the first call is priced: it takes 25 MB and 0.4 s."""
    return pkgutil.resolve_name("genai_prices.data:providers")


@cache
def _shipped_version() -> str:
    return f"genai-prices {version('genai-prices')}"
