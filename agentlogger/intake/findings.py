"""What an ingest has to tell besides its answer: why records are missing, twice or changed.

A finding is what a person needs who asks where their records are: what happened, whose it was, and
what to do. Equal ones become one with a count, so that a client that errs all day fills nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agentlogger.intake import storable
from agentlogger.intake.redaction import rules
from agentlogger.intake.redaction.snippets import without_secrets
from agentlogger.intake.storable import Adjustments
from agentlogger.limits import FINDING_CHARACTERS, FINDINGS_PENDING, FINDINGS_PENDING_PROJECT

KINDS = (
    "refusal", "duplicate", "replacement", "redaction", "wrong_door", "wrong_key", "undecodable",
    "too_large", "rate_limited", "busy",
)  # fmt: skip
"""What can be found, as the ledger and its counters name it."""

DUPLICATE = "record.duplicate"
"""The code of what was recognised as stored before."""

FIXES = {
    DUPLICATE: "Nothing is lost and nothing is twice: a client that had no answer sends again. "
    "Where this never stops, two exporters send the same, or ids are not unique.",
    "record.undecodable": "Write each record as one line of JSON, without line breaks in it.",
    "record.export": "OTEL_EXPORTER_OTLP_ENDPOINT is this server's address without a path; a file "
    "of exports is read by `agentlogger import`.",
    "record.not_object": 'Send each record as a JSON object, such as {"message": "..."}.',
    "record.refused": "Report this record: the database refused a value that has no rule yet.",
    "records.none_accepted": "The refusals of the single records say what each of them lacks.",
    "body.undecodable": "Send a signal to its own address, and let Content-Type and "
    "Content-Encoding say what the body is.",
    "body.media_type": "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf or http/json; plain JSON goes "
    "to /api/v1/logs as application/json or application/x-ndjson.",
    "body.encoding": "OTEL_EXPORTER_OTLP_COMPRESSION=gzip, or none.",
    "body.too_large": "Send fewer records in one request: OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=512 "
    "for logs, OTEL_BSP_MAX_EXPORT_BATCH_SIZE=512 for spans.",
    "body.slow": "Send over a faster connection, or fewer records in one request.",
    "http.404": "OTEL_EXPORTER_OTLP_ENDPOINT is this server's address without a path: an SDK "
    "adds /v1/logs by itself.",
    "http.405": "Send with POST.",
    "key.scope": "Make a key that may send: `flask keys create --scope ingest`.",
    "ingest.rate": "Send fewer and larger batches, or raise AGENTLOGGER_RATE_KEY_REQUESTS and "
    "its neighbours.",
    "ingest.busy": "The client comes again by itself; where this goes on, more workers or more "
    "memory for them.",
    "metrics.not_kept": "OTEL_METRICS_EXPORTER=none stops sending them.",
}
"""What to do about a finding, by its code. Rules of replacement have one sentence for all."""

REPLACED_FIX = "The record is stored and says what was replaced; send a value of this kind as text."
REDACTED_FIX = (
    "Only its mark is stored. Keep the secret out of what the agent logs, and replace it where it "
    "is used if others may have read that log; a project can switch a rule off."
)

CUT = "\N{HORIZONTAL ELLIPSIS}"
"""Stands at the end of a text that was cut, so that nobody takes it for the whole."""


def fix_for(code: str) -> str:
    """What to do about findings of this code, in a sentence."""
    if code.startswith(rules.PREFIX):
        return REDACTED_FIX
    return REPLACED_FIX if code in storable.RULES else FIXES.get(code, "")


@dataclass(frozen=True)
class Sender:
    """Who sent it, so that a person finds the program: never the key itself."""

    project_id: int
    key: str = ""
    """The key's first characters, "" where none was needed."""
    key_name: str = ""
    agent: str = ""
    """The User-Agent of the request."""
    service: str = ""
    """service.name of the first record, where a record could be read."""


@dataclass(frozen=True)
class Finding:
    """One kind of thing that happened to what one sender sent through one door."""

    sender: Sender
    kind: str
    door: str
    code: str
    reason: str = field(compare=False)
    """What was said of the last one."""
    sample: str = field(default="", compare=False)
    """The beginning of what was sent, where it can be shown."""
    count: int = field(default=1, compare=False)
    first_ns: int = field(default=0, compare=False)
    last_ns: int = field(default=0, compare=False)


def shortened(given: str) -> str:
    """A client's text as it is kept with a finding: storable, short, and without secrets.

    A path and a User-Agent hold some where a client is set up wrongly.
    """
    if len(given) > FINDING_CHARACTERS:
        given = given[: FINDING_CHARACTERS - len(CUT)] + CUT
    return storable.text(without_secrets(given), Adjustments())


class Pending:
    """Findings of this process that are not in the database yet: bounded, and equal ones are one.

    Ingest never waits for the ledger; what finds no room here is given to `lose`, which counts it.
    """

    def __init__(self, lose: Callable[[str, int], None]) -> None:
        self._lose = lose
        self._lock = threading.Lock()
        self._found: dict[Finding, Finding] = {}
        self._by_project: dict[int, int] = {}

    def add(self, finding: Finding) -> None:
        """Keep a finding until it is taken, or count it as lost where there is no room."""
        project = finding.sender.project_id
        with self._lock:
            known = self._found.pop(finding, None)
            if known is not None:
                self._found[finding] = replace(
                    max(known, finding, key=lambda one: one.last_ns),
                    count=known.count + finding.count,
                    first_ns=min(known.first_ns, finding.first_ns),
                )
                return
            held = self._by_project.get(project, 0)
            if held < FINDINGS_PENDING_PROJECT and len(self._found) < FINDINGS_PENDING:
                self._found[finding] = finding
                self._by_project[project] = held + 1
                return
        self._lose(finding.kind, finding.count)

    def take(self) -> list[Finding]:
        """All that is kept; it is the caller's now, to write down or to `add` again."""
        with self._lock:
            taken = list(self._found.values())
            self._found.clear()
            self._by_project.clear()
        return taken
