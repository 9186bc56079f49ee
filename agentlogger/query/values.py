"""Values as people write them, with units: what they amount to, or why they mean nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from math import ceil, floor, isinf

from agentlogger.intake.severity import BANDS, LARGEST, NUMBERS
from agentlogger.limits import INTEGER_MAX, INTEGER_MIN
from agentlogger.query.keys import Key, Kind
from agentlogger.query.tree import NOTHING, And, Compares, Node, Operator

NUMBER = re.compile(
    r"(?P<dollar>\$?)(?P<number>-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)"
    r"(?P<unit>[A-Za-zµμ]*)"
)

DURATIONS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3_600 * 10**9,
    "d": 86_400 * 10**9,
}
"""Nanoseconds of each unit of time."""

THOUSANDS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
MICRO = 10**6

WRITTEN_OUT = 1e16
"""From here on a stored double has all its digits (`intake/storable.py`), and so must a bound."""

SAID = {
    Kind.LEVEL: "a level such as warn, or 1 to 24",
    Kind.DURATION: "a number with a unit, such as 2s, 150ms or 5m",
    Kind.COUNT: "a number such as 500, 10k or 2M",
    Kind.COST: "US dollars, such as 0.50",
    Kind.FLAG: "true or false",
}
"""What a value of each kind should have been."""

FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class Meaningless(Exception):  # noqa: N818  (it becomes a hint; nothing is in error)
    """A value that means nothing for its key; `str()` says what would."""


def compared(key: Key, operator: Operator, text: str) -> Node:
    """A comparison of a key that has an order. Raises Meaningless."""
    if key.kind is Kind.LEVEL:
        return _level(key, operator, text)
    return _whole(key, operator, _amount(key, text))


def flag(text: str) -> bool:
    """The truth that is written. Raises Meaningless."""
    try:
        return FLAGS[text.lower()]
    except KeyError:
        raise Meaningless(SAID[Kind.FLAG]) from None


def number(text: str) -> Decimal | None:
    """The number that is written, as an attribute would hold it; None where it is none."""
    match = NUMBER.fullmatch(text)
    if match is None or match["dollar"] or match["unit"].lower() not in THOUSANDS:
        return None
    exact = Decimal(match["number"]) * THOUSANDS[match["unit"].lower()]
    if exact == exact.to_integral_value() and INTEGER_MIN <= exact <= INTEGER_MAX:
        return exact
    # A stored number is a double from here on, so the bound is the nearest one.
    double = float(exact)
    if isinf(double):
        return None
    return Decimal(double) if abs(double) >= WRITTEN_OUT else Decimal(repr(double))


def _level(key: Key, operator: Operator, text: str) -> Node:
    low = high = 0
    if text.isascii() and text.isdigit() and len(text) <= 2:  # noqa: PLR2004  (up to 24)
        low = high = int(text)
    elif text.lower() in NUMBERS:
        given = NUMBERS[text.lower()]
        low, high = next(band for band in BANDS.values() if band[0] <= given <= band[1])
    if not 1 <= low <= LARGEST:
        raise Meaningless(SAID[Kind.LEVEL])
    if operator == "=":
        return And((Compares(key, ">=", low), Compares(key, "<=", high)))
    return Compares(key, operator, low if operator in {">=", "<"} else high)


def _amount(key: Key, text: str) -> Decimal:
    """A number in the unit of the key's column."""
    match = NUMBER.fullmatch(text)
    if match is not None:
        unit, dollar = match["unit"], match["dollar"]
        factor = None
        if key.kind is Kind.DURATION and not dollar:
            factor = DURATIONS.get(unit)
        elif key.kind is Kind.COUNT and not dollar:
            factor = THOUSANDS.get(unit.lower())
        elif key.kind is Kind.COST and not unit:
            factor = MICRO
        if factor is not None:
            amount = Decimal(match["number"]) * factor
            if INTEGER_MIN <= amount <= INTEGER_MAX:
                return amount
    raise Meaningless(SAID[key.kind])


def _whole(key: Key, operator: Operator, amount: Decimal) -> Node:
    """A comparison with the whole number that says the same of a column of whole numbers."""
    if operator == "=":
        is_whole = amount == amount.to_integral_value()
        return Compares(key, "=", int(amount)) if is_whole else NOTHING
    return Compares(key, operator, (floor if operator in {">", "<="} else ceil)(amount))
