"""From the bytes of a request to a batch of rows: the whole way through this room."""

from __future__ import annotations

from collections.abc import Iterable

from agentlogger.errors import BodyTooLarge
from agentlogger.intake import (
    agents_json,
    canonical,
    native,
    otlp_json,
    otlp_wire,
    spans_json,
    spans_protobuf,
)
from agentlogger.intake.applied import BY_DEFAULT, Applied
from agentlogger.intake.record import Batch, Record, Rejection
from agentlogger.intake.sent import Sent
from agentlogger.limits import RECORDS


def from_otlp_protobuf(body: bytes, received_ns: int, applied: Applied = BY_DEFAULT) -> Batch:
    """The batch in an ExportLogsServiceRequest. Raises BodyUndecodable or BodyTooLarge."""
    return _batch(otlp_wire.read(body), received_ns, applied)


def from_otlp_json(body: bytes, received_ns: int, applied: Applied = BY_DEFAULT) -> Batch:
    """The batch in an OTLP/JSON export. Raises BodyUndecodable or BodyTooLarge."""
    return _batch(otlp_json.read(body), received_ns, applied)


def from_otlp_protobuf_spans(body: bytes, received_ns: int, applied: Applied = BY_DEFAULT) -> Batch:
    """The batch in an ExportTraceServiceRequest. Raises BodyUndecodable or BodyTooLarge."""
    return _batch(spans_protobuf.read(body), received_ns, applied)


def from_otlp_json_spans(body: bytes, received_ns: int, applied: Applied = BY_DEFAULT) -> Batch:
    """The batch in an OTLP/JSON export of traces. Raises BodyUndecodable or BodyTooLarge."""
    return _batch(spans_json.read(body), received_ns, applied)


def from_native(
    body: bytes, received_ns: int, applied: Applied = BY_DEFAULT, *, lines: bool
) -> Batch:
    """The batch in a body of plain JSON or NDJSON. Raises BodyUndecodable or BodyTooLarge."""
    return _batch(native.read(body, lines=lines), received_ns, applied)


def from_agents_json(body: bytes, received_ns: int, applied: Applied = BY_DEFAULT) -> Batch:
    """The batch in an export of OpenAI's Agents SDK. Raises BodyUndecodable or BodyTooLarge."""
    return _batch(agents_json.read(body), received_ns, applied)


def _batch(sent: Iterable[Sent | Rejection], received_ns: int, applied: Applied) -> Batch:
    batch = Batch(records=[], positions=[], rejections=[], adjusted={})
    for position, item in enumerate(sent):
        if isinstance(item, Rejection):
            batch.rejections.append(item)
        else:
            _add(batch, canonical.record(item, received_ns, applied), item, position)
            for part in item.parts:
                _add(batch, canonical.record(part, received_ns, applied), part, position)
        if len(batch.records) + len(batch.rejections) > RECORDS:
            raise BodyTooLarge(
                f"The body holds more than {RECORDS:,} records, so nothing of it was stored: send "
                "fewer in one request."
            )
    return batch


def _add(batch: Batch, record: Record, item: Sent, position: int) -> None:
    batch.records.append(record)
    batch.positions.append(position)
    if item.notes.counts:
        for rule, count in item.notes.counts.items():
            batch.adjusted[rule] = batch.adjusted.get(rule, 0) + count
