"""Finds secrets in texts: quickly that there are none, exactly where there are.

An innocent text is only asked for the few characters that each kind of secret has, by patterns that
begin with one literal character: such a search runs at the speed of memory. One pattern of all
alternatives looks at each character many times over, and cost ten times as much (measured).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import groupby, islice

from agentlogger.intake.redaction import rules
from agentlogger.intake.redaction.rules import Shape

LEAST = re.compile(r"\{\d+,(\d*)\}")
"""How often something must come, in a pattern, where that may vary."""

CLASS = re.compile(r"\[[^\]]*\]")

LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

Replace = Callable[[str, str], str | None]
"""Given a rule and a secret, what to put in its place; None leaves it."""


Compiled = tuple[Shape, int, re.Pattern[str]]
"""A shape, how far before its anchor it begins, and its pattern."""


@dataclass(frozen=True)
class Finder:
    """Shapes that share an anchor."""

    first: str
    """A character that stands in each of them, "" where there is no such: to ask whether a text has
    it takes a tenth of the time of the pattern."""
    suspects: Callable[[str], object]
    """Whether a text may hold one of them; false only where it certainly holds none."""
    hint: re.Pattern[str]
    """Where anchors are, with what stands around them: one group for each kind of surroundings."""
    shapes: tuple[tuple[Compiled, ...], ...]
    """For each group the shapes that have such surroundings."""

    def replaced(self, text: str, replace: Replace) -> str:
        """The text with its secrets replaced."""
        kept: list[str] = []
        kept_to = 0
        for hint in self.hint.finditer(text):
            if hint.start() < kept_to:
                continue
            for shape, ahead, pattern in self.shapes[(hint.lastindex or 1) - 1]:
                span = _secret(pattern.match(text, max(kept_to, hint.start() - ahead)), shape)
                instead = replace(shape.rule, text[slice(*span)]) if span else None
                if span and instead is not None:
                    kept += (text[kept_to : span[0]], instead)
                    kept_to = span[1]
                    break
        return "".join([*kept, text[kept_to:]]) if kept else text


def _secret(match: re.Match[str] | None, shape: Shape) -> tuple[int, int] | None:
    if match is None or (shape.rule == rules.CARD and not is_card(match[0])):
        return None
    return match.span("secret" if "secret" in match.re.groupindex else 0)


def finders(which: Collection[str], *, partial: bool = False) -> tuple[Finder, ...]:
    """The finders for these rules, in the order of the table.

    With `partial` they also find secrets whose ends were cut off, and more that are none.
    """
    held = [shape for shape in rules.SHAPES if shape.rule in which]
    return tuple(
        _finder(tuple(shapes), partial=partial)
        for _, shapes in groupby(held, key=lambda shape: shape.anchor)
    )


def _finder(shapes: tuple[Shape, ...], *, partial: bool) -> Finder:
    anchor = shapes[0].anchor
    around = list(dict.fromkeys((shape.before, shape.after) for shape in shapes))
    kinds = (
        f"((?<={before}{anchor}){after})" if before else f"({after})" for before, after in around
    )
    hint = re.compile(f"{anchor}{_last_of(shapes)}(?:{'|'.join(kinds)})")
    compiled = tuple(
        tuple(
            (shape, len(CLASS.sub("x", before)), re.compile(_pattern(shape, partial=partial)))
            for shape in shapes
            if (shape.before, shape.after) == (before, after)
        )
        for before, after in around
    )
    first = anchor.removeprefix("\\")
    return Finder(first if len(first) == 1 else "", hint.search, hint, compiled)


def _last_of(shapes: Collection[Shape]) -> str:
    """A look at the two characters before an anchor, or the one where one shape has no more.

    The dashes of a UUID are passed over at once, and so are the lines in most names.
    """
    before = [re.findall(r"\[[^\]]*\]|.", shape.before) for shape in shapes]
    places = zip(*(reversed(each) for each in before), strict=False)
    looks = [_any_of(characters) for characters in islice(places, 2)]
    return f"(?<={''.join(reversed(looks))}{next(iter(shapes)).anchor})" if looks else ""


def _any_of(characters: Iterable[str]) -> str:
    """A class of these characters and classes; a dash stands at its end, where it is itself."""
    together = sorted({one.strip("[]") for one in characters}, key=lambda one: (one == "-", one))
    return f"[{''.join(together)}]"


def _pattern(shape: Shape, *, partial: bool) -> str:
    return (shape.partial or LEAST.sub(r"{0,\1}", shape.pattern)) if partial else shape.pattern


def is_card(text: str) -> bool:
    """Whether the digits of a text pass Luhn's check, as those of every payment card do."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = (LUHN_DOUBLED[digit] for digit in digits[-2::-2])
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
