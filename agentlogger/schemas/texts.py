"""Texts that come as parameters, made such that both databases take them."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import fields

from agentlogger.intake.storable import REPLACEMENT

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def plain_text(text: str) -> str:
    """A text to look for, as it would have been stored: NUL and lone surrogates replaced."""
    return UNSTORABLE.sub(REPLACEMENT, text)


class PlainText(fields.String):
    """A parameter that is compared with stored text."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return plain_text(str(value))
