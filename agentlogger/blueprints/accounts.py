"""What became of everything that was sent: counted, and where it is worth a word, noted.

Each answer of a door that takes records passes here once, so that what was sent is always what was
stored, recognised or refused, in the answer and in the counters alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request

from agentlogger.blueprints import counters, senders, watching
from agentlogger.blueprints.counters import Counters
from agentlogger.blueprints.gate import Caller, caller, recognised
from agentlogger.errors import Refusal
from agentlogger.intake.findings import DUPLICATE, Finding, Pending, Sender, shortened
from agentlogger.intake.record import Batch, Record, Rejection
from agentlogger.intake.storable import RULES
from agentlogger.store import ingest
from agentlogger.store.appending import Appended
from agentlogger.store.scope import OperatorScope

COUNTERS = "agentlogger.counters"
PENDING = "agentlogger.findings"

NOT_KEPT = "metrics.not_kept"

NOTES = OperatorScope("findings of all projects are noted together")

OK = 200
WRONG_DOOR = {404, 405}
KINDS_OF_REFUSALS = {
    "body.undecodable": "undecodable",
    "body.media_type": "undecodable",
    "body.encoding": "undecodable",
    "body.slow": "undecodable",
    "body.too_large": "too_large",
    "key.scope": "wrong_key",
    "ingest.rate": "rate_limited",
    "ingest.busy": "busy",
}
"""Which refusals of a whole request the ledger keeps. A key that nobody knows has no project, and a
database that is away keeps nothing: these two are counted only."""


@dataclass(frozen=True)
class Receipt:
    """What became of the records of a request: sent = stored + duplicates + rejections."""

    sent: int
    stored: int
    duplicates: int
    rejections: list[Rejection]


def init_app(app: Flask) -> None:
    """Count and note what passes the doors that take records."""
    counted = app.extensions[COUNTERS] = Counters()
    app.extensions[PENDING] = Pending(
        lambda kind, count: counted.add(counters.FINDINGS_LOST, kind, by=count)
    )
    app.before_request(_begin)
    app.after_request(_account)


def settle(batch: Batch, appended: Appended) -> Receipt:
    """Count what became of a batch, note what its sender should know, and say it all."""
    watching.see(batch, appended)
    senders.see(appended)
    rejections = appended.all_rejections(batch)
    receipt = Receipt(
        sent=len(batch.records) + len(batch.rejections),
        stored=appended.stored,
        duplicates=appended.duplicates,
        rejections=rejections,
    )
    refused = len(rejections)
    _count(receipt.sent, receipt.stored, receipt.duplicates, refused)
    for rule, count in batch.adjusted.items():
        family = counters.REDACTED if rule in counters.REDACTIONS else counters.REPLACED
        _counters().add(family, rule, by=count)
    if rejections or appended.duplicates or batch.adjusted:
        _note(_sender(caller(), batch.records), _findings(batch, receipt))
    return receipt


def settle_unkept(count: int, reason: str) -> None:
    """The same for records of a kind that is not kept: all of them are refused."""
    if count:
        _count(count, 0, 0, count)
        _note(_sender(caller(), ()), [("refusal", NOT_KEPT, reason, "", count)])


def count_bytes(size: int) -> None:
    """So many bytes of a body came over the wire."""
    _counters().add(counters.BYTES, request.path, by=size)


def write_down() -> None:
    """Put the findings of this process into the database. Raises DatabaseUnavailable.

    Those of a moment in which the database is away are kept, as far as there is room.
    """
    pending: Pending = current_app.extensions[PENDING]
    taken = pending.take()
    try:
        ingest.note(NOTES, taken)
    except Exception:
        for finding in taken:
            pending.add(finding)
        raise


def _counters() -> Counters:
    counted: Counters = current_app.extensions[COUNTERS]
    return counted


def _count(sent: int, stored: int, duplicates: int, refused: int) -> None:
    door, counted = request.path, _counters()
    counted.add(counters.SENT, door, by=sent)
    for result, count in zip(counters.RESULTS, (stored, duplicates, refused), strict=True):
        counted.add(counters.RECORDS, door, result, by=count)


Noted = tuple[str, str, str, str, int]
"""What a finding says beyond its sender and door: kind, code, reason, sample, count."""


def _findings(batch: Batch, receipt: Receipt) -> Iterable[Noted]:
    by_code: dict[str, list[Rejection]] = {}
    for item in receipt.rejections:
        by_code.setdefault(item.code, []).append(item)
    for code, items in by_code.items():
        reason = f"record {items[0].index}: {items[0].reason}"
        yield "refusal", code, reason, "", len(items)
    if receipt.duplicates:
        reason = f"{receipt.duplicates} of {receipt.sent} records were stored before"
        yield "duplicate", DUPLICATE, reason, "", receipt.duplicates
    for rule, count in batch.adjusted.items():
        kind = "redaction" if rule in counters.REDACTIONS else "replacement"
        yield kind, rule, RULES[rule], _sample(batch.records, rule), count


def _sample(records: Iterable[Record], rule: str) -> str:
    """The beginning of a value that a rule replaced, where the record keeps it."""
    marks = (record.adjustments[rule] for record in records
             if record.adjustments and rule in record.adjustments)  # fmt: skip
    return next((mark["sent"] for mark in marks if "sent" in mark), "")


def _sender(known: Caller, records: Iterable[Record]) -> Sender:
    resource = next((record.resource for record in records), {})
    service = resource.get("service.name")
    return Sender(
        project_id=known.scope.project_id,
        key=known.key,
        key_name=known.key_name,
        agent=shortened(request.headers.get("User-Agent", "")),
        service=shortened(service) if isinstance(service, str) else "",
    )


def _note(sender: Sender, found: Iterable[Noted]) -> None:
    pending: Pending = current_app.extensions[PENDING]
    now = time.time_ns()
    for kind, code, reason, sample, count in found:
        pending.add(
            Finding(
                sender=sender,
                kind=kind,
                door=shortened(request.path),
                code=code,
                reason=shortened(reason),
                sample=shortened(sample),
                count=count,
                first_ns=now,
                last_ns=now,
            )
        )


def _begin() -> None:
    g.arrived = time.monotonic()


def _account(response: Response) -> Response:
    """Count a request by its door and status, and note one of which nothing was stored."""
    if request.path not in counters.DOORS or request.method != "POST":
        if response.status_code in WRONG_DOOR and _was_meant_to_send():
            _counters().add(counters.WRONG_DOORS, str(response.status_code))
            _note_refused(response)
        return response
    counted = _counters()
    counted.add(counters.REQUESTS, request.path, str(response.status_code))
    if response.status_code == OK:
        if "arrived" in g:
            seconds = time.monotonic() - g.arrived
            counted.observe(counters.ACKNOWLEDGED, request.path, seconds=seconds)
    else:
        _note_refused(response)
    return response


def _was_meant_to_send() -> bool:
    """Whether a request that found no door carries something, as an exporter's does."""
    return request.method == "POST" or request.path.startswith("/v1/")


def _note_refused(response: Response) -> None:
    refused: Refusal | None = g.get("agentlogger_refusal")
    if refused is not None:
        kind, code, reason = KINDS_OF_REFUSALS.get(refused.code), refused.code, str(refused)
        _counters().add(counters.REFUSED_REQUESTS, code)
    else:
        kind = "wrong_door" if response.status_code in WRONG_DOOR else None
        code, reason = f"http.{response.status_code}", g.get("agentlogger_detail", "")
    if kind is None:
        return
    known = recognised()
    if known is not None:
        # A request of which nothing was stored counts as one, however much it held.
        _note(_sender(known, ()), [(kind, code, reason, "", 1)])
