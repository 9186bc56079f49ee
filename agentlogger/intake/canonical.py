"""From what was sent to a row: the canonical columns, by the alias map."""

from __future__ import annotations

import math
from typing import Any, Final

from agentlogger.intake import aliases, any_value, identities, origin, severity, storable, times
from agentlogger.intake.applied import BY_DEFAULT, Applied
from agentlogger.intake.call import CallReport
from agentlogger.intake.events import Event, event_of
from agentlogger.intake.layouts import Layout, layout_of
from agentlogger.intake.origin import Origin
from agentlogger.intake.prices import Prices
from agentlogger.intake.readers.choosing import reader_of
from agentlogger.intake.readers.said import Said
from agentlogger.intake.record import Record
from agentlogger.intake.redaction.redactor import Redactor
from agentlogger.intake.sent import Group, Sent, Span
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import ERROR_MESSAGE_CHARACTERS, INTEGER_MAX, TEXT_COLUMN_CHARACTERS

TRUE, FALSE = ("true", True), ("false", False)
"""Booleans come as texts in half of the emitters."""
BOOLEANS: Final = (*TRUE, *FALSE)

FAILED_STATUS: Final = 400
NANOSECONDS_A_MILLISECOND: Final = 1_000_000

DIGITS_EXACT: Final = 11
"""Digits of milliseconds of which a double of nanoseconds has every one."""


def record(sent: Sent, received_ns: int, applied: Applied = BY_DEFAULT) -> Record:
    """The row that a record becomes; `received_ns` is when its request came.

    What was sent loses its secrets first, so that no column is made of one. Its identity is a
    digest, and made before: secrets that differ may have the same mark.
    """
    identity = _identity(sent)
    layout = _redact(sent, applied.redactor)
    first = origin.taken(sent) if origin.ATTRIBUTE in sent.attributes else None
    group, notes, attributes = sent.group, sent.notes, sent.attributes
    if group.notes:
        notes.add(group.notes)
    event = event_of(sent)
    row = Record(received_ns, attributes, group.resource)
    _fill_columns(row, layout, group, notes)
    if first is not None:
        row.error_type = row.error_type or first.error_type or None
    ok = _ok(row, layout)
    span = sent.span
    if span is not None:
        ok = _span_ok(sent, span, ok, row)
    reader = reader_of(group.scope_name, event.name, layout.reader)
    call = reader and reader(Said(sent, event.name, row.session_id, row.model, ok))
    if call is not None and call.ok is False:
        ok = False
    row.ts_ns, row.ts_source, row.ts_sent = _time(sent, received_ns, first)
    row.severity_number, row.severity_source = _severity(sent, event, failed=ok is False)
    row.severity_text = sent.severity_text or None
    row.observed_ns = _observed(sent)
    row.event = storable.column(event.name, notes, TEXT_COLUMN_CHARACTERS)
    row.event_name = sent.event_name or None
    row.kind = event.kind or _kind(attributes, layout, "log" if span is None else "span")
    row.body = _body(sent)
    row.trace_id, row.span_id = sent.trace_id or None, sent.span_id or None
    row.flags = sent.flags or None
    row.ok, row.identity, row.call = ok, identity, call
    row.run_id = row.run_id or row.trace_id
    if span is None:
        row.duration_ns = _duration(attributes, layout)
    else:
        row.duration_ns = _span_duration(sent, span)
        row.completes = row.duration_ns is not None
        row.parent_span_id = span.parent_span_id or None
    row.scope, row.envelope = group.scope, _envelope(sent, first)
    if call is not None:
        _fill_usage(row, call, applied.prices)
    # Last: whatever else is noted was noted by then.
    row.adjustments = notes.as_column() if first is None else first.adjusted(notes)
    return row


def _redact(sent: Sent, redactor: Redactor) -> Layout:
    """Replace the secrets in what was sent; return the layout of its attributes after that."""
    as_sent = sent.attributes
    layout = layout_of(as_sent)
    redactor.sent(sent, layout)
    # A name may have held a secret too.
    return layout if sent.attributes is as_sent else layout_of(sent.attributes)


def _fill_usage(row: Record, call: CallReport, prices: Prices) -> None:
    usage = call.usage
    cost = None
    if usage is not None:
        row.tokens_in, row.tokens_out = usage.input, usage.output
        row.tokens_cache_read, row.tokens_cache_write = usage.cache_read, usage.cache_write
        row.tokens_tool, row.tokens_reasoning = usage.tool, usage.reasoning
        row.usage_rule = usage.rule
        if call.cost_micro_usd is None:
            cost = prices.cost(usage, row.model, row.provider, row.ts_ns)
    if call.cost_micro_usd is not None:
        row.cost_micro_usd, row.cost_source = call.cost_micro_usd, "reported"
    elif cost is not None:
        row.cost_micro_usd, row.cost_source = cost.micro_usd, cost.source
        row.price_version = cost.version
    elif call.ok is not False:
        row.cost_source = "unknown"


def _body(sent: Sent) -> Any:
    """The body; where none was sent, the sentence that some emitters keep in an attribute."""
    return sent.attributes.get(aliases.SENTENCE) if sent.body is None else sent.body


def _without_exception(sent: Sent, row: Record) -> bool:
    """Whether a span holds no exception; one that it holds is told in the span's columns."""
    for part in sent.parts:
        if part.event_name == aliases.EXCEPTION:
            told = Record(row.received_ns, part.attributes, row.resource)
            _fill_columns(told, layout_of(part.attributes), sent.group, sent.notes)
            row.error_type = row.error_type or told.error_type
            row.error_message = row.error_message or told.error_message
            return False
    return True


def _envelope(sent: Sent, first: Origin | None) -> dict[str, Any] | None:
    own: dict[str, Any] = {}
    if sent.dropped_attributes_count:
        own["dropped_attributes_count"] = sent.dropped_attributes_count
    if sent.span is not None:
        # Empty too: it is what tells a span from a log record, when it is sent on.
        own["span"] = sent.span.around
    if first is not None:
        own["origin"] = first.in_envelope()
    return (sent.group.envelope or {}) | own if own else sent.group.envelope


def _identity(sent: Sent) -> bytes | None:
    """What makes this record the same as another: its uid, its format's own, its emitter's key.

    Where it has none of these, it is where it was stored first, if it was sent on. A text with a
    replaced character in it is none: different ones may have become it.
    """
    uid = sent.attributes.get(aliases.LOG_RECORD_UID)
    if uid and isinstance(uid, str) and storable.REPLACEMENT not in uid:
        return identities.identity(aliases.LOG_RECORD_UID, uid)
    if sent.identity is not None:
        return identities.identity(*sent.identity)
    found = _emitter_identity(sent)
    if found is None and (first := origin.identity_of(sent)):
        found = identities.identity(origin.IDENTITY, first)
    return found


def _emitter_identity(sent: Sent) -> bytes | None:
    """By the scope and what names the event within it; None where any part of that is missing."""
    names = aliases.EMITTER_KEYS.get(sent.group.scope_name)
    if names is None:
        return None
    parts = [sent.group.scope_name]
    for name in names:
        part = sent.attributes.get(name)
        if isinstance(part, str) and part:
            parts.append(part)
        elif isinstance(part, int) and not isinstance(part, bool):
            parts.append(str(part))
        else:
            # 1.0 and true are no numbers of an event.
            return None
    key = "\0".join(parts)
    return None if storable.REPLACEMENT in key else identities.dated(key, parts[-1])


def _fill_columns(row: Record, layout: Layout, group: Group, notes: Adjustments) -> None:
    """Fill the columns that attributes of the record or of its resource may fill."""
    attributes = row.attributes
    for column, limit, names in layout.columns:
        for name in names:
            found = storable.column(attributes[name], notes, limit)
            if found is not None:
                setattr(row, column, found)
                break
    shared = group.columns
    for column, (found, is_cut) in (_of_resource(group) if shared is None else shared).items():
        if getattr(row, column) is None:
            setattr(row, column, found)
            if is_cut:
                notes.note("text.cut")
    if row.error_message in BOOLEANS:
        # It says whether, not what; `_ok` reads it.
        row.error_message = None


def _of_resource(group: Group) -> dict[str, tuple[str, bool]]:
    group.columns = {}
    for column, names in aliases.RESOURCE_COLUMNS.items():
        for name in names:
            notes = Adjustments()
            found = storable.column(group.resource.get(name), notes, TEXT_COLUMN_CHARACTERS)
            if found is not None:
                group.columns[column] = found, bool(notes.counts)
                break
    return group.columns


def _time(sent: Sent, received_ns: int, first: Origin | None) -> tuple[int, str, str | None]:
    """The record's time, where it comes from, and what was sent where that cannot be it.

    The first time that is set is the record's; where it is none that both databases can hold, the
    time of receipt stands in for it. For a record that is sent on, that is its first one.
    """
    if sent.time_ns:
        given, source = sent.time_ns, "emitted"
    elif sent.observed_ns:
        given, source = sent.observed_ns, "observed"
    else:
        given, source = _stamp(sent.attributes), "attribute"
    if isinstance(given, int) and times.in_range(given):
        if first is not None and first.is_time_of_receipt:
            return given, "received", first.time_sent or None
        return given, source, None
    if not given:
        return received_ns, "received", None
    as_sent = storable.text(str(given), Adjustments())
    sent.notes.note("time.range", sent=as_sent)
    return received_ns, "received", as_sent


def _stamp(attributes: dict[str, Any]) -> int | str:
    """The time in an attribute; its text where it is none to store, 0 where there is no text."""
    stamp = attributes.get(aliases.EVENT_TIMESTAMP)
    return times.storable_or_text(stamp) if isinstance(stamp, str) else 0


def _observed(sent: Sent) -> int | None:
    observed = sent.observed_ns
    if isinstance(observed, int) and times.in_range(observed):
        return observed
    if observed and sent.time_ns:
        # Where the record has no other time, this one is marked as the record's.
        sent.notes.note("observed_time.range", sent=str(observed))
    return None


def _ok(row: Record, layout: Layout) -> bool | None:
    """Whether it worked, as far as the record says so; None where it says nothing."""
    attributes = row.attributes
    success = attributes.get(aliases.SUCCESS)
    status = None
    for name in layout.statuses:
        status = status or _number(attributes[name])
    error = attributes.get(aliases.ERROR)
    if (success is not None and success in FALSE) or (error is not None and error in TRUE):
        return False
    if row.error_type or row.error_message:
        return False
    if status and status >= FAILED_STATUS:
        return False
    return True if success in TRUE or status else None


def _span_ok(sent: Sent, span: Span, ok: bool | None, row: Record) -> bool | None:
    """A span's status where it has one; a failure that its attributes tell is one all the same.

    What its status and its exception say of the failure goes into the columns.
    """
    if span.status == "error":
        ok = False
    elif span.status == "ok" and ok is None:
        ok = True
    row.error_message = row.error_message or _status_message(span, sent.notes)
    if ok is not False and sent.group.scope_name in aliases.EXCEPTION_FAILS:
        ok = _without_exception(sent, row) and ok
    return ok


def _status_message(span: Span, notes: Adjustments) -> str | None:
    if span.status != "error":
        return None
    return storable.column(span.status_message, notes, ERROR_MESSAGE_CHARACTERS)


def _span_duration(sent: Sent, span: Span) -> int | None:
    """From a span's start to its end; None for one that has not ended, or not told so."""
    start, end = sent.time_ns, span.end_ns
    if not end:
        return None
    if isinstance(start, int) and isinstance(end, int) and times.in_range(end) and end >= start:
        return end - start if start else None
    sent.notes.note("span.end", sent=str(end))
    return None


def _severity(sent: Sent, event: Event, *, failed: bool) -> tuple[int, str]:
    attributes = sent.attributes
    number = sent.severity_number or _level(attributes)
    if 0 < number <= severity.LARGEST:
        return number, "emitted"
    if number:
        sent.notes.note("severity.range", sent=str(number))
    text = sent.severity_text
    named = severity.NUMBERS.get(text.strip().lower()) if text else None
    if named is not None:
        return named, "derived"
    return _derived(event, attributes, failed=failed), "derived"


def _derived(event: Event, attributes: dict[str, Any], *, failed: bool) -> int:
    """The severity of a record whose emitter set none, which most agents do not."""
    if failed:
        return severity.ERROR
    if event.severity < severity.WARN and attributes.get("decision") in aliases.REFUSALS:
        return severity.WARN
    if event.is_chatter and attributes.get("event.kind") == "response.completed":
        return severity.INFO
    return event.severity


def _level(attributes: dict[str, Any]) -> int:
    """The severity's number in an attribute, as emitters write it that send logs as spans."""
    level = attributes.get(aliases.SEVERITY_NUMBER)
    if level is None:
        return 0
    return level if level.__class__ is int and 0 < level <= severity.LARGEST else 0


def _kind(attributes: dict[str, Any], layout: Layout, otherwise: str) -> str:
    for name in layout.kinds:
        given = attributes[name]
        kinds = aliases.KINDS_BY_ATTRIBUTE[name]
        if isinstance(given, str) and given in kinds:
            return kinds[given]
    return otherwise


def _duration(attributes: dict[str, Any], layout: Layout) -> int | None:
    for name in layout.durations:
        milliseconds = _number(attributes[name])
        if milliseconds is not None and milliseconds >= 0:
            nanoseconds = round(milliseconds * NANOSECONDS_A_MILLISECOND)
            return nanoseconds if nanoseconds <= INTEGER_MAX else None
    return None


def _number(given: Any) -> float | int | None:
    """A number, or the number that a text holds: Codex sends half of its numbers as text."""
    if isinstance(given, str):
        if len(given) <= DIGITS_EXACT and given.isdigit() and given.isascii():
            return int(given)
        given = float(given) if any_value.NUMBER.fullmatch(given) else None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return given if math.isfinite(given) else None
