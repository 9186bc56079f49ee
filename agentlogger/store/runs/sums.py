"""Sums of calls that were read already, by the rules by which `usage` has the database sum."""

from __future__ import annotations

from collections.abc import Iterable

from agentlogger.store.rows import Row

Number = int | None


def sum_of(calls: Iterable[Row]) -> Row:
    """These calls as one sum, each of them once, with the fields of `usage.totals`."""
    total: Row = dict.fromkeys(("calls", "failed", "unanswered", "upper_bounds"), 0)
    for call in calls:
        total["calls"] += 1 + (call["failed_before"] or 0)
        total["failed"] += (call["ok"] is False) + (call["failed_before"] or 0)
        total["unanswered"] += call["ok"] is None
        total["upper_bounds"] += call["cost_source"] == "upper_bound"
        for name, number in _parts(call).items():
            _add(total, name, number)
            untold = number is None and call["ok"] is not False
            total[f"untold_{name}"] = total.get(f"untold_{name}", 0) + untold
        for name, number in _undivided(call).items():
            _add(total, name, number)
    for name in _parts(NO_CALL):
        total.setdefault(name, None)
        total.setdefault(f"untold_{name}", 0)
    for name in _undivided(NO_CALL):
        total.setdefault(name, None)
    return total


NO_CALL: Row = dict.fromkeys(
    (
        "tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write", "tokens_tool",
        "tokens_reasoning", "cost_micro_usd",
    )
)  # fmt: skip


def _parts(call: Row) -> dict[str, Number]:
    tokens_in, tokens_out = call["tokens_in"], call["tokens_out"]
    read, reasoning = call["tokens_cache_read"], call["tokens_reasoning"]
    return {
        "tokens_in": tokens_in,
        "tokens_fresh": _less(tokens_in, read, _besides(call)),
        "tokens_cache_read": read,
        "tokens_cache_write": call["tokens_cache_write"],
        "tokens_tool": call["tokens_tool"],
        "tokens_out": tokens_out,
        "tokens_answer": _less(tokens_out, reasoning, 0),
        "tokens_reasoning": reasoning,
        "cost_micro_usd": call["cost_micro_usd"],
    }


def _undivided(call: Row) -> dict[str, Number]:
    """What is left of the whole where it was not told how it divides."""
    return {
        "tokens_in_undivided": _less(call["tokens_in"], 0, _besides(call))
        if call["tokens_cache_read"] is None
        else None,
        "tokens_out_undivided": call["tokens_out"] if call["tokens_reasoning"] is None else None,
    }


def _besides(call: Row) -> int:
    return (call["tokens_cache_write"] or 0) + (call["tokens_tool"] or 0)


def _less(whole: Number, part: Number, besides: int) -> Number:
    return None if whole is None or part is None else whole - part - besides


def _add(total: Row, name: str, number: Number) -> None:
    if number is not None:
        total[name] = (total.get(name) or 0) + number
    else:
        total.setdefault(name, None)
