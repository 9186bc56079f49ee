"""Redacts what was sent, whichever format it came in, before a row is made of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from agentlogger.intake import storable
from agentlogger.intake.layouts import Layout
from agentlogger.intake.redaction import assignments, finders, names, rules
from agentlogger.intake.redaction.finders import Finder
from agentlogger.intake.redaction.marks import is_mark, mark
from agentlogger.intake.redaction.names import Strength
from agentlogger.intake.redaction.policy import Policy
from agentlogger.intake.sent import Group, Sent
from agentlogger.intake.storable import Adjustments

SHORTEST: Final = 8
"""Characters of the shortest text that can hold a secret by itself, `a://:b@c`."""

PAIR: Final = 2

NAMES_KEPT = 10_000
"""Names of attributes whose judgement is remembered: clients may send any."""
NAME_CHARACTERS_KEPT: Final = 200

LAYOUTS_KEPT = 256
"""Layouts of attributes of which it is remembered whether a name in them tells of a secret."""

TEXTS_KEPT, TEXT_CHARACTERS_KEPT = 1_024, 64
"""Texts without a secret that are remembered, and the characters of the longest: few enough to
begin anew when they are full, as what comes once (a time, an id) fills them soon."""


class _Judged(dict[str, int]):
    """What names of attributes say, remembered: the same few come with every record."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def __missing__(self, name: str) -> int:
        judged: int = self._redactor.judge(name)
        if not judged and len(name) >= SHORTEST and self._redactor.suspected([name]):
            judged = SUSPECT
        if len(self) < NAMES_KEPT and len(name) <= NAME_CHARACTERS_KEPT:
            self[name] = judged
        return judged


SUSPECT: Final = 3
"""A name that may itself hold a secret."""


class Redactor:
    """Replaces secrets by a project's policy and an installation's key."""

    def __init__(self, policy: Policy, key: bytes) -> None:
        self.policy = policy
        self._key = key
        which = policy.rules
        self._finders = finders.finders(which)
        self._names = assignments.scanners(sorted(policy.names)) if rules.KEY in which else ()
        self._judged = _Judged(self)
        self._telling: dict[Layout, bool] = {}
        self._innocent: set[str] = set()

    def judge(self, name: str) -> Strength:
        """What the name of an attribute says of its value."""
        if not self._names:
            return Strength.NONE
        return names.strength(name, more=self.policy.names, spared=self.policy.spared)

    def suspected(self, texts: Sequence[str]) -> tuple[Finder | None, ...]:
        """What may find a secret in these texts, None standing for names; empty if nothing can."""
        together = "\n".join(texts)
        found: list[Finder | None] = [
            each for each in self._finders if each.first in together and each.suspects(together)
        ]
        if self._names:
            # A name is of interest only with what it is set to, in the same text.
            setting = "\n".join([text for text in texts if ":" in text or "=" in text])
            if setting and assignments.suspects(setting, self._names):
                found.append(None)
        return tuple(found)

    def sent(self, sent: Sent, layout: Layout) -> None:
        """Redact a record as sent, in place, with what it shares; `layout` is its attributes'."""
        if self.policy.off:
            return
        group = sent.group
        if not group.redacted:
            self._group(group)
        texts: list[str] = []
        named = self._gather_attributes(sent.attributes, layout, texts)
        body = sent.body
        if body is not None:
            named |= self._gather(body, texts)
        if sent.severity_text or sent.event_name:
            self._gather(sent.severity_text, texts)
            self._gather(sent.event_name, texts)
        if isinstance(sent.time_ns, str) or isinstance(sent.observed_ns, str):
            self._gather(sent.time_ns, texts)
            self._gather(sent.observed_ns, texts)
        if sent.span is not None:
            self._gather(sent.span.status_message, texts)
            named |= self._gather(sent.span.around, texts)
        suspected = self.suspected(texts) if texts else ()
        if named or suspected:
            self._rewrite(sent, _Pass(self, suspected, sent.notes))
        elif texts:
            self._remember(texts)

    def _remember(self, innocent: list[str]) -> None:
        """Remember texts in which there is no secret: sessions, models and versions come again."""
        if len(self._innocent) >= TEXTS_KEPT:
            self._innocent.clear()
        self._innocent.update([text for text in innocent if len(text) <= TEXT_CHARACTERS_KEPT])

    def _rewrite(self, sent: Sent, rewriting: _Pass) -> None:
        sent.severity_text = rewriting.text(sent.severity_text)
        sent.event_name = rewriting.text(sent.event_name)
        sent.time_ns = rewriting.value(sent.time_ns)
        sent.observed_ns = rewriting.value(sent.observed_ns)
        sent.attributes = rewriting.value(sent.attributes)
        sent.body = rewriting.value(sent.body)
        if sent.span is not None:
            sent.span.status_message = rewriting.text(sent.span.status_message)
            sent.span.around = rewriting.value(sent.span.around)

    def _group(self, group: Group) -> None:
        notes = Adjustments()
        group.resource = self.value(group.resource, notes)
        group.scope = self.value(group.scope, notes)
        group.envelope = self.value(group.envelope, notes)
        group.redacted = True
        if notes.counts:
            group.notes = (*group.notes, notes)

    def text(self, given: str, notes: Adjustments) -> str:
        """A text without secrets."""
        return _Pass(self, self.suspected([given]), notes).text(given)

    def value(self, given: Any, notes: Adjustments) -> Any:
        """A JSON value without secrets: the same object where it holds none."""
        texts: list[str] = []
        named = self._gather(given, texts)
        suspected = self.suspected(texts)
        return _Pass(self, suspected, notes).value(given) if named or suspected else given

    def _gather(self, given: Any, texts: list[str]) -> bool:
        """Collect the texts of a value; return whether one of its names tells of a secret."""
        if isinstance(given, str):
            if len(given) >= SHORTEST and given not in self._innocent:
                texts.append(given)
            return False
        if isinstance(given, dict):
            return self._gather_mapping(given, texts)
        named = False
        if isinstance(given, list):
            for item in given:
                named |= self._gather(item, texts)
                if isinstance(item, list):
                    named |= self.of_two(item) > Strength.NONE
        return named

    def _gather_mapping(self, given: dict[str, Any], texts: list[str]) -> bool:
        judged = self._judged
        named = False
        for name, item in given.items():
            if judged[name]:
                named = True
            named |= self._gather(item, texts)
        return named or ("value" in given and self.of_pair(given) > Strength.NONE)

    def _gather_attributes(self, given: dict[str, Any], layout: Layout, texts: list[str]) -> bool:
        """The same for a record's attributes, whose names are judged once for all of a layout."""
        named = self._telling.get(layout)
        if named is None:
            named = any(map(self._judged.__getitem__, given))
            if len(self._telling) >= LAYOUTS_KEPT:
                self._telling.clear()
            self._telling[layout] = named
        innocent = self._innocent
        for item in given.values():
            # Most are texts: this is the loop that looks at all that is sent.
            if isinstance(item, str):
                if len(item) >= SHORTEST and item not in innocent:
                    texts.append(item)
            elif isinstance(item, dict | list):
                named |= self._gather(item, texts)
        return named or ("value" in given and self.of_pair(given) > Strength.NONE)

    def of_pair(self, given: Mapping[str, Any]) -> Strength:
        """What a map's `name` says of its `value`, where it has both, as lists of headers do."""
        name = given.get("name", given.get("key"))
        return self._strength(name) if isinstance(name, str) else Strength.NONE

    def of_two(self, given: list[Any]) -> Strength:
        """What the first of two texts in a list says of the second, as raw headers are written.

        To be asked of lists within a list: `["password", "token"]` alone may be names of fields.
        """
        if len(given) == PAIR and isinstance(given[0], str) and isinstance(given[1], str):
            return self._strength(given[0])
        return Strength.NONE

    def judged(self, name: str) -> int:
        """What a name says, a Strength or SUSPECT."""
        return self._judged[name]

    def named(self, text: str, replace: assignments.Replace) -> str:
        """A text with the values under names of secrets replaced."""
        return assignments.replaced(text, self._names, self._strength, replace)

    def _strength(self, name: str) -> Strength:
        judged = self._judged[name]
        return Strength.NONE if judged == SUSPECT else Strength(judged)

    def mark(self, rule: str, secret: str) -> str:
        """The mark that stands for a secret."""
        return mark(rule, secret, self._key)


class _Pass:
    """One record on its way through a redactor: what to look for, and where to count."""

    def __init__(
        self, redactor: Redactor, suspected: Sequence[Finder | None], notes: Adjustments
    ) -> None:
        self._redactor = redactor
        self._suspected = suspected
        self._notes = notes

    def text(self, given: str) -> str:
        """A text with its secrets replaced."""
        if len(given) < SHORTEST:
            return given
        for each in self._suspected:
            if each is None:
                given = self._redactor.named(given, self._under_a_name)
            elif each.suspects(given):
                given = each.replaced(given, self._instead)
        return given

    def value(self, given: Any, strength: int = Strength.NONE, *, numbers: bool = False) -> Any:
        """A value with its secrets replaced; `strength` is what its name says of it."""
        kind = given.__class__
        if kind is str:
            if strength and strength != SUSPECT:
                return self._whole(given, strength)
            return self.text(given)
        if kind is dict:
            return self._mapping(given, strength, numbers=numbers)
        if kind is list:
            return [self._element(item, strength, numbers=numbers) for item in given]
        if numbers and kind is not bool and isinstance(given, int | float):
            return self._instead(rules.KEY, str(given))
        return given

    def _element(self, given: Any, strength: int, *, numbers: bool) -> Any:
        of_two = self._redactor.of_two(given) if isinstance(given, list) else Strength.NONE
        if of_two and not strength:
            return [self.value(given[0]), self.value(given[1], of_two)]
        return self.value(given, strength, numbers=numbers)

    def _mapping(self, given: dict[str, Any], strength: int, *, numbers: bool) -> dict[str, Any]:
        redactor = self._redactor
        of_pair = redactor.of_pair(given) if "value" in given else Strength.NONE
        result: dict[str, Any] = {}
        last: dict[str, int] = {}
        for name, item in given.items():
            judged = redactor.judged(name)
            own = strength if strength and strength != SUSPECT else judged
            counted = numbers or (own == Strength.STRONG and names.holds_numbers(name))
            if name == "value":
                own = max(own, of_pair) if own != SUSPECT else of_pair
            kept = redactor.text(name, self._notes) if judged == SUSPECT else name
            if kept != name:
                kept = storable.free_name(kept, given.keys() | result.keys(), last)
            result[kept] = self.value(item, own, numbers=counted)
        return result

    def _whole(self, given: str, strength: int) -> str:
        """A text that stands under the name of a secret."""
        start = assignments.secret_start(given, 0, len(given))
        secret = given[start:].strip()
        if not secret or not assignments.is_secret(secret, certain=strength == Strength.STRONG):
            return self.text(given)
        return given[:start] + (self._under_a_name(secret) or secret)

    def _under_a_name(self, secret: str) -> str | None:
        return self._instead(rules.KEY, secret)

    def _instead(self, rule: str, secret: str) -> str | None:
        if is_mark(secret):
            return None
        self._notes.note(f"{rules.PREFIX}{rule}")
        return self._redactor.mark(rule, secret)


@lru_cache(maxsize=256)
def redactor(policy: Policy, key: bytes) -> Redactor:
    """The redactor of a policy and a key, made once."""
    return Redactor(policy, key)


DEFAULT = redactor(Policy(), secrets.token_bytes(32))
"""What redacts where nobody says how: with every default rule, and a key of this process."""
