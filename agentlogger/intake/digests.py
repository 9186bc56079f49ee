"""What a whole request is known by, should it come again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from agentlogger.intake.record import Batch
from agentlogger.limits import IDEMPOTENCY_KEY_SECONDS, REQUEST_DIGEST_SECONDS


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request will be known by in its project, and for how long."""

    digest: bytes
    """SHA-256 of the request, or of the Idempotency-Key that came with it."""
    request: bytes | None
    """With a key: the request's own SHA-256, which must be the same whenever the key is."""
    seconds: int


def claim(door: str, body: bytes, key: str | None, batch: Batch) -> Claim | None:
    """What this request is known by; None where an equal one may be another.

    `door` says which reader took the `body`, which is inflated: a client may compress the same
    bytes in two ways. Where there is an Idempotency-Key, it alone says which request this is. The
    digest of the request stands in for one only if all of its records are dated
    (`Batch.is_dated`): SDKs send the same bytes again when they retry.
    """
    if key is None and not batch.is_dated:
        return None
    hashed = hashlib.sha256(f"{door}\0".encode())
    hashed.update(body)
    if key is None:
        return Claim(hashed.digest(), None, REQUEST_DIGEST_SECONDS)
    named = hashlib.sha256(f"idempotency-key\0{key}".encode()).digest()
    return Claim(named, hashed.digest(), IDEMPOTENCY_KEY_SECONDS)
