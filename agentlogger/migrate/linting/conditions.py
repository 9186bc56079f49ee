"""Values that obey a table's CHECKs and its partitions' bounds, found by trying those they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product

from agentlogger.migrate.linting.describing import Column

TRIED = 200
"""Combinations; most conditions are about one column and name what they want."""

STRING = re.compile(r"'((?:[^']|'')*)'")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
WORD = re.compile(r"\w+")

NUMERIC = re.compile(r"INT|NUM|DEC|REAL|DOUBLE|FLOAT|MONEY|SERIAL", re.IGNORECASE)

Values = dict[str, str]
"""SQL of a value, by column."""

Breaks = Callable[[Mapping[str, str], str], bool]
"""Whether rows of these values break a condition."""


def obeying(
    values: Values, columns: Sequence[Column], conditions: Sequence[str], breaks: Breaks
) -> tuple[Values, str]:
    """Values like these that obey the conditions, and the first condition that none obeys or "".

    What a condition does not name stays as it was.
    """
    for condition in conditions:
        if not breaks(values, condition):
            continue
        found = next(
            (
                one
                for one in islice(_others(values, columns, condition), TRIED)
                if not breaks(one, condition)
            ),
            None,
        )
        if found is None:
            return values, condition
        values = found
    return values, next((one for one in conditions if breaks(values, one)), "")


def _others(values: Values, columns: Sequence[Column], condition: str) -> Iterator[Values]:
    named = set(WORD.findall(condition))
    meant = [column for column in columns if column.name in named and column.name in values]
    for chosen in product(*(_options(values[one.name], one, condition) for one in meant)):
        yield values | {one.name: value for one, value in zip(meant, chosen, strict=True)}


def _options(value: str, column: Column, condition: str) -> list[str]:
    """What a column could have instead, the most various first."""
    strings = list(dict.fromkeys(STRING.findall(condition)))
    options = [value]
    if NUMERIC.search(column.type):
        numbers = [*strings, *NUMBER.findall(STRING.sub("", condition))]
        for number in dict.fromkeys(one for one in numbers if NUMBER.fullmatch(one)):
            cast = f"CAST({number} AS {column.type})"
            options += [f"({cast} + n % 1000)", f"({cast} - n % 1000)"]
            options += [f"({cast} + 1)", f"({cast} - 1)", cast]
    elif strings:
        several = " ".join(
            f"WHEN {place} THEN '{one}'" for place, one in enumerate(strings[1:], start=1)
        )
        if several:
            cases = f"CASE n % {len(strings)} {several} ELSE '{strings[0]}' END"
            options.append(f"CAST({cases} AS {column.type})")
        options += [f"CAST('{one}' AS {column.type})" for one in strings]
    return [*options, f"CAST(NULL AS {column.type})"] if column.is_nullable else options
