"""What every door that takes records does with them: stores each once, and says so."""

from __future__ import annotations

import re

from flask import after_this_request, request
from werkzeug import Response

from agentlogger.blueprints.bodies import discard_body
from agentlogger.blueprints.gate import caller
from agentlogger.errors import IdempotencyKeyInvalid
from agentlogger.intake import digests
from agentlogger.intake.record import Batch
from agentlogger.limits import IDEMPOTENCY_KEY_CHARACTERS
from agentlogger.store import appending
from agentlogger.store.appending import Appended

IDEMPOTENCY_KEY = "Idempotency-Key"
DUPLICATE = "X-AgentLogger-Duplicate"

QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
BARE = re.compile(r"[\x20\x21\x23-\x7e]+")
"""The draft asks for a quoted string (RFC 8941); most clients write it bare."""


def idempotency_key() -> str | None:
    """The key that says which request this is, or None (draft-ietf-httpapi-idempotency-key-header).

    Raises IdempotencyKeyInvalid; the body is thrown away then.
    """
    given = request.headers.get(IDEMPOTENCY_KEY)
    if given is None:
        return None
    given = given.strip()
    quoted = QUOTED.fullmatch(given)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else given
    if (quoted or BARE.fullmatch(given)) and 0 < len(key) <= IDEMPOTENCY_KEY_CHARACTERS:
        return key
    discard_body()
    raise IdempotencyKeyInvalid(
        f"The header {IDEMPOTENCY_KEY} must have 1 to {IDEMPOTENCY_KEY_CHARACTERS} printable ASCII "
        "characters, in quotes or not: a UUID is best."
    )


def append(door: str, body: bytes, key: str | None, batch: Batch) -> Appended:
    """Store what `door` has read from `body`; a repeat is marked in the headers of the answer."""
    key_shown = caller().key
    for record in batch.records if key_shown else ():
        if record.call is not None:
            record.call.api_key = key_shown
    appended = appending.append(
        caller().scope,
        batch.records,
        claim=digests.claim(door, body, key, batch),
        refused=len({item.index for item in batch.rejections}),
        size=len(body),
    )
    if appended.is_repeat:

        @after_this_request
        def _mark(response: Response) -> Response:
            response.headers[DUPLICATE] = "true"
            return response

    return appended
