"""A call costs what its tokens cost at its time, and never more is known than was told."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from agentlogger.errors import SettingInvalid
from agentlogger.intake import prices
from agentlogger.intake.call import Usage
from agentlogger.intake.prices import SHIPPED, Cost, Prices

NOW = int(datetime(2026, 11, 25, 10, tzinfo=UTC).timestamp()) * 10**9
TABLE = f"genai-prices {version('genai-prices')}"


def usage(
    tokens_in: int | None, tokens_out: int | None, read: int | None = 0, write: int | None = 0
) -> Usage:
    return Usage(
        input=tokens_in, cache_read=read, cache_write=write, output=tokens_out, rule="inclusive"
    )


def own(folder: Path, *models: dict[str, Any], **fields: Any) -> Prices:
    path = folder / "prices.json"
    path.write_text(json.dumps({"models": list(models)} | fields))
    return prices.read(path)


LINE = {"model": "house-*", "input": 2, "output": 8}


def test_the_table_is_that_of_the_installed_release(monkeypatch: pytest.MonkeyPatch):
    def nobody(*_: Any) -> None:
        raise AssertionError("The network was asked.")

    monkeypatch.setattr(socket.socket, "connect", nobody)
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    # 1,000 tokens at 2.5, of them 400 at 1.25, and 100 at 10 dollars a million.
    cost = SHIPPED.cost(usage(1_000, 100, read=400), "gpt-4o", "openai", NOW)
    assert cost == Cost(3_000, "computed", TABLE)


@pytest.mark.parametrize("provider", [None, "openai", "OpenAI", "openai.responses"])
def test_a_provider_has_many_names(provider: str | None):
    assert SHIPPED.cost(usage(1_000, 100), "gpt-4o", provider, NOW) is not None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("gcp.gen_ai", "gemini-2.5-flash"),
        ("gcp.vertex_ai", "gemini-2.5-flash"),
        ("azure.ai.openai", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5"),
    ],
)
def test_the_names_of_opentelemetry_are_known(provider: str, model: str):
    assert SHIPPED.cost(usage(1_000, 100), model, provider, NOW) is not None


def test_what_nobody_prices_costs_nothing_that_is_known():
    assert SHIPPED.cost(usage(1_000, 100), "house-model", "openai", NOW) is None
    assert SHIPPED.cost(usage(1_000, 100), "gpt-4o", "a gateway of ours", NOW) is None
    assert SHIPPED.cost(usage(1_000, 100), "x" * 10_000, None, NOW) is None
    assert SHIPPED.cost(usage(1_000, 100), None, "openai", NOW) is None
    assert SHIPPED.cost(usage(None, 100), "gpt-4o", "openai", NOW) is None
    assert SHIPPED.cost(usage(1_000, None), "gpt-4o", "openai", NOW) is None
    assert SHIPPED.cost(usage(10, 1, read=11), "gpt-4o", "openai", NOW) is None


def test_an_unknown_cached_part_makes_an_upper_bound():
    bound = SHIPPED.cost(usage(1_000, 100, read=None), "gpt-4o", "openai", NOW)
    assert bound == Cost(3_500, "upper_bound", TABLE)
    claude = usage(1_000, 0, read=None, write=None)
    written = SHIPPED.cost(usage(1_000, 0, write=1_000), "claude-sonnet-4-5", "anthropic", NOW)
    bound = SHIPPED.cost(claude, "claude-sonnet-4-5", "anthropic", NOW)
    assert bound is not None
    assert written is not None
    assert (bound.micro_usd, bound.source) == (written.micro_usd, "upper_bound")


def test_a_long_prompt_has_another_price():
    few = SHIPPED.cost(usage(200_000, 0), "claude-sonnet-4-5", "anthropic", NOW)
    many = SHIPPED.cost(usage(200_001, 0), "claude-sonnet-4-5", "anthropic", NOW)
    assert few is not None
    assert many is not None
    assert many.micro_usd > 1.5 * few.micro_usd


def test_prices_of_ones_own_go_first(tmp_path: Path):
    table = own(tmp_path, LINE, {**LINE, "model": "gpt-4o", "provider": "openai"}, version="1")
    assert table.cost(usage(1_000, 100), "house-small", None, NOW) == Cost(
        2_800, "computed", "own 1"
    )
    mine = table.cost(usage(1_000, 100), "GPT-4o", "openai", NOW)
    theirs = table.cost(usage(1_000, 100), "gpt-4o", "azure", NOW)
    assert mine is not None
    assert theirs is not None
    assert (mine.version, theirs.version) == ("own 1", TABLE)


def test_a_cost_is_exact_and_rounded_half_up(tmp_path: Path):
    table = own(tmp_path, {"model": "m", "input": 0.1, "output": 0.25, "cache_read": 0.01})
    cost = table.cost(usage(3, 1, read=1), "m", None, NOW)
    assert cost is not None
    assert cost.micro_usd == 0  # 0.2 + 0.01 + 0.25 = 0.46
    cost = table.cost(usage(3, 1), "m", None, NOW)
    assert cost is not None
    assert cost.micro_usd == 1  # 0.3 + 0.25 = 0.55
    cost = table.cost(usage(0, 2), "m", None, NOW)
    assert cost is not None
    assert cost.micro_usd == 1  # 0.5


def test_a_table_without_a_version_is_known_by_its_text(tmp_path: Path):
    first, same = own(tmp_path, LINE), own(tmp_path, LINE)
    other = own(tmp_path, {**LINE, "input": 3})
    assert first.own_version == same.own_version != other.own_version


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "must be an object"),
        ('{"models": {}}', "must be an object"),
        ('{"models": [], "currency": "EUR"}', "must be an object"),
        ('{"models": [1]}', r"models\[0\] must be an object"),
        ('{"models": [{"model": "m", "input": 1}]}', r"models\[0\]\.output must be US dollars"),
        ('{"models": [{"model": "m", "input": -1, "output": 1}]}', r"\.input must be"),
        ('{"models": [{"model": "m", "input": "1", "output": 1}]}', r"\.input must be"),
        ('{"models": [{"model": "m", "input": true, "output": 1}]}', r"\.input must be"),
        ('{"models": [{"model": "m", "input": NaN, "output": 1}]}', r"\.input must be"),
        ('{"models": [{"model": "m", "input": 1, "output": 1, "cached": 1}]}', "'cached'"),
        ('{"models": [{"model": "m", "provider": 1, "input": 1, "output": 1}]}', r"\.provider"),
    ],
)
def test_a_table_that_cannot_be_used_stops_the_start_with_a_sentence(
    tmp_path: Path, text: str, why: str
):
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(SettingInvalid, match=why) as told:
        prices.read(path)
    assert str(told.value).startswith(f"AGENTLOGGER_PRICES names {path}, and that file ")


def test_a_table_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(SettingInvalid, match="cannot be read"):
        prices.read(tmp_path / "nowhere.json")
