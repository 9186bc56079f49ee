"""What a client sent, short enough to repeat to it and cheap to write however large it is."""

from __future__ import annotations

from reprlib import Repr
from typing import Any

from agentlogger.intake.redaction.snippets import without_secrets
from agentlogger.limits import REASON_CHARACTERS


class _Json(Repr):
    """A value in JSON's words, with its inner parts left out; reprlib finds a method by a type."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = REASON_CHARACTERS

    def repr_NoneType(self, _given: None, _level: int) -> str:  # noqa: N802  (reprlib's naming)
        return "null"

    def repr_bool(self, given: bool, _level: int) -> str:
        return "true" if given else "false"

    def repr_str(self, given: str, _level: int) -> str:
        # Of a long text the beginning alone: the end of a secret cannot be told from other texts.
        cut = repr(given[:REASON_CHARACTERS])
        return cut if len(given) <= REASON_CHARACTERS else f"{cut[:-1]}..."

    def repr_LongInteger(self, given: str, _level: int) -> str:  # noqa: N802
        return given[:REASON_CHARACTERS]

    repr_Repeated = Repr.repr_dict  # noqa: N815


_json = _Json()


def shown(given: Any) -> str:
    """At most REASON_CHARACTERS of a JSON value, for people, without secrets."""
    return without_secrets(_json.repr(given)[:REASON_CHARACTERS])[:REASON_CHARACTERS]
