"""What a project wants to have redacted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentlogger.intake.redaction import names, rules

FIELDS = ("off", "without", "also", "names", "spared")


@dataclass(frozen=True)
class Policy:
    """A project's choice; the plain `Policy()` is what holds where nothing was chosen."""

    off: bool = False
    """Whether nothing at all is redacted."""
    without: frozenset[str] = frozenset()
    """Default rules that are switched off."""
    also: frozenset[str] = frozenset()
    """Optional rules that are switched on."""
    names: frozenset[str] = frozenset()
    """More names under which secrets stand, normalised."""
    spared: frozenset[str] = frozenset()
    """Names under which none stand, normalised."""

    @property
    def rules(self) -> frozenset[str]:
        """The rules that hold."""
        if self.off:
            return frozenset()
        return (frozenset(rules.DEFAULT) - self.without) | self.also

    def as_setting(self) -> dict[str, Any] | None:
        """How a project's row keeps it; None where nothing was chosen."""
        chosen = {name: getattr(self, name) for name in FIELDS}
        return {
            name: value if value is True else sorted(value)
            for name, value in chosen.items()
            if value
        } or None


def from_setting(setting: Mapping[str, Any] | None) -> Policy:
    """The choice that a row keeps.

    What another release wrote and this one does not know redacts no less than the default.
    """
    given = setting or {}
    return Policy(
        off=given.get("off") is True,
        without=_texts(given.get("without")) & frozenset(rules.DEFAULT),
        also=_texts(given.get("also")) & frozenset(rules.OPTIONAL),
        names=_names(given.get("names")),
        spared=_names(given.get("spared")),
    )


def _texts(given: Any) -> frozenset[str]:
    items = given if isinstance(given, list) else []
    return frozenset(item for item in items if isinstance(item, str))


def _names(given: Any) -> frozenset[str]:
    return frozenset(map(names.normalised, _texts(given))) - {""}
