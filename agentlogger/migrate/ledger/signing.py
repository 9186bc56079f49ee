"""Signatures of what the database keeps: nothing that was not signed is ever executed.

Whoever can write the history table must not be able to make an older program run their code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

PURPOSE = b"migration history"
"""Keeps these signatures apart from whatever else the application signs with the same key."""


def keys_of(config: Mapping[str, Any]) -> list[bytes]:
    """The application's keys, the one that signs first: `SECRET_KEY`, `SECRET_KEY_FALLBACKS`."""
    named = [config.get("SECRET_KEY"), *(config.get("SECRET_KEY_FALLBACKS") or ())]
    return [key if isinstance(key, bytes) else str(key).encode() for key in named if key]


def signature(key: bytes, parts: Iterable[str | None]) -> str:
    """HMAC-SHA256 over the parts, each kept apart from its neighbours."""
    own = hmac.new(key, PURPOSE, hashlib.sha256).digest()
    return hmac.new(own, json.dumps(list(parts)).encode(), hashlib.sha256).hexdigest()


def is_signed(keys: Iterable[bytes], parts: Iterable[str | None], given: str | None) -> bool:
    """Whether one of the keys made this signature."""
    told = list(parts)
    return given is not None and any(
        hmac.compare_digest(signature(key, told), given) for key in keys
    )
