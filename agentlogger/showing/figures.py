"""Figures as short as a column of a terminal takes them; what is unknown is a dash."""

from __future__ import annotations

UNKNOWN = "\N{EN DASH}"
TEN = 10
THOUSAND = 1_000
UNITS = ("", "k", "M", "G", "T")
MICRO = 10**6
SECOND_NS = 10**9
MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


def count(number: int | None) -> str:
    """A count of at most five characters: 431, 20.1k, 1.4M."""
    if number is None:
        return UNKNOWN
    amount = float(number)
    for unit in UNITS:
        # From 999.95 on, one digit behind the point would be rounded up to 1000.0.
        if amount < (THOUSAND if unit == "" else THOUSAND - 0.05) or unit == UNITS[-1]:
            return f"{amount:.0f}" if unit == "" else f"{amount:.1f}{unit}"
        amount /= THOUSAND
    raise AssertionError


def rate(amount: float) -> str:
    """How many in a time: two digits below ten, else whole ones."""
    return f"{amount:,.1f}" if amount < TEN else f"{amount:,.0f}"


def of(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def dollars(micro_usd: int | None, *, beside: int = 0) -> str:
    """A cost: cents where it, or what stands beside it, is a dollar or more, else four digits."""
    if micro_usd is None:
        return UNKNOWN
    digits = 2 if max(micro_usd, beside) >= MICRO else 4
    return f"${micro_usd / MICRO:,.{digits}f}"


def length(nanoseconds: int) -> str:
    """A round length of time, in words: 15 min, 3 h, 7 days."""
    seconds = nanoseconds // SECOND_NS
    if seconds < MINUTE_S:
        return f"{seconds} s"
    if seconds < HOUR_S:
        return f"{seconds // MINUTE_S} min"
    return f"{seconds // HOUR_S} h" if seconds < DAY_S else of(seconds // DAY_S, "day")


def duration(nanoseconds: int | None) -> str:
    """How long something took: 850ms, 3.1s, 2m05s, 3h04m."""
    if nanoseconds is None:
        return UNKNOWN
    seconds = nanoseconds / SECOND_NS
    if seconds < 0.9995:  # noqa: PLR2004  (rounded, it would be 1000ms)
        return f"{seconds * 1_000:.0f}ms"
    if seconds < MINUTE_S - 0.05:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), MINUTE_S)
    if minutes < MINUTE_S:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, MINUTE_S)
    return f"{hours}h{minutes:02d}m"
