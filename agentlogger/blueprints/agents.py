"""OpenAI's Agents SDK: its own exporter, pointed here instead of at OpenAI.

`BackendSpanExporter(api_key=..., endpoint=".../v1/traces/ingest")` sends JSON that is no OTLP. It
takes any 2xx for stored, tries again on 5xx, and on 4xx logs the answer and drops its spans.
"""

from __future__ import annotations

import time
from dataclasses import asdict

import orjson
from flask import Blueprint, Response

from agentlogger.blueprints import accounts
from agentlogger.blueprints.admission import admitted
from agentlogger.blueprints.applying import applied
from agentlogger.blueprints.bodies import content_type, discard_body, incoming_body
from agentlogger.blueprints.gate import needs
from agentlogger.blueprints.otlp import JSON
from agentlogger.blueprints.receiving import append, idempotency_key
from agentlogger.errors import MediaTypeUnsupported, NothingAccepted
from agentlogger.intake import batches
from agentlogger.limits import REASONS
from agentlogger.schemas.logs import ReceiptSchema

agents = Blueprint("agents", __name__)


@agents.post("/v1/traces/ingest")
@needs("ingest")
@admitted
def ingest_traces() -> Response:
    """Store traces and spans of the Agents SDK; the answer means that they are on disk."""
    media_type = content_type()
    if media_type != JSON:
        discard_body()
        raise MediaTypeUnsupported(
            f"Content-Type {media_type[:50]!r} is not what OpenAI's Agents SDK sends: send {JSON}. "
            "OTLP goes to /v1/traces."
        )
    key = idempotency_key()
    body = incoming_body()
    batch = batches.from_agents_json(body, time.time_ns(), applied())
    appended = append("/v1/traces/ingest json", body, key, batch)
    receipt = accounts.settle(batch, appended)
    rejections = receipt.rejections
    if rejections and not receipt.stored and not receipt.duplicates:
        first = rejections[0]
        raise NothingAccepted(
            f"None of {receipt.sent} items was accepted; data[{first.index}]: {first.reason}.",
            errors={"rejected": [asdict(item) for item in rejections[:REASONS]]},
        )
    told = {
        "sent": receipt.sent,
        "accepted": receipt.stored,
        "duplicates": receipt.duplicates,
        "rejected": rejections[:REASONS],
        "rejected_count": len(rejections),
        "adjusted": batch.adjusted,
    }
    return Response(orjson.dumps(ReceiptSchema().dump(told)), content_type=JSON)
