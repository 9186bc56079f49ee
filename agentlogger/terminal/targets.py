"""Where an import goes: a server, over HTTP, or the database of this installation."""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from flask import Flask
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from agentlogger.blueprints.applying import applied_in
from agentlogger.errors import (
    BodyTooLarge,
    BodyUndecodable,
    DatabaseUnavailable,
    Refusal,
    SettingInvalid,
)
from agentlogger.intake import batches
from agentlogger.intake.applied import Applied
from agentlogger.intake.files import parts
from agentlogger.intake.record import Batch
from agentlogger.store import health, projects
from agentlogger.store.appending import Appended, append
from agentlogger.store.scope import OperatorScope, ProjectScope
from agentlogger.terminal.parcels import Parcel
from agentlogger.terminal.sources import AGAIN, PAUSES_SECONDS

TIMEOUT_SECONDS = 60
WAIT_SECONDS_MOST = 300
"""So long at most a Retry-After is heeded: who asks for more has a person decide."""

REFUSED_WHOLE = {400, 413, 422}
"""Answers that refuse what was sent, and not who sent it."""

ASKING = OperatorScope("an import names the database that it goes to")

DOORS = {
    parts.NATIVE: ("/api/v1/logs", "application/x-ndjson"),
    parts.LOGS_JSON: ("/v1/logs", "application/json"),
    parts.TRACES_JSON: ("/v1/traces", "application/json"),
    parts.LOGS_PROTOBUF: ("/v1/logs", "application/x-protobuf"),
    parts.TRACES_PROTOBUF: ("/v1/traces", "application/x-protobuf"),
}

READERS: dict[str, Callable[[bytes, int, Applied], Batch]] = {
    parts.NATIVE: lambda body, now, applied: batches.from_native(body, now, applied, lines=True),
    parts.LOGS_JSON: batches.from_otlp_json,
    parts.TRACES_JSON: batches.from_otlp_json_spans,
    parts.LOGS_PROTOBUF: batches.from_otlp_protobuf,
    parts.TRACES_PROTOBUF: batches.from_otlp_protobuf_spans,
}

PLACE = re.compile(r"record (\d+): ([^;]*)")
"""A refused record in the message of a partial success."""


class Stopped(Exception):  # noqa: N818  (it is no fault of the program's)
    """The import cannot go on; `str()` is the sentence."""


class RefusedWhole(Exception):  # noqa: N818  (likewise)
    """A body is refused as it is; its halves may not be. `str()` is the reason."""


@dataclass
class Outcome:
    """What became of a parcel's records."""

    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    reasons: list[tuple[int, str]] = field(default_factory=list)
    """Of refused records, perhaps not of all: the place in the body, and why."""


class Target(Protocol):
    """Where records go."""

    name: str

    def send(self, parcel: Parcel) -> Outcome:
        """Send a parcel; what is returned is on disk. Raises Stopped, RefusedWhole."""


def deliver(target: Target, parcel: Parcel) -> Iterator[tuple[Parcel, Outcome]]:
    """Send a parcel, halved where it is refused as a whole, with what became of each part.

    Raises Stopped.
    """
    try:
        yield parcel, target.send(parcel)
    except RefusedWhole as refusal:
        if len(parcel.parts) == 1:
            yield parcel, Outcome(refused=parcel.records, reasons=[(0, str(refusal))])
            return
        for half in parcel.halves():
            yield from deliver(target, half)


class DatabaseTarget:
    """The database of this installation, without a server."""

    def __init__(self, app: Flask, project: str) -> None:
        self._app = app
        with app.app_context():
            self.name = health.name(ASKING)
            try:
                row = projects.named(ASKING, project)
            except Refusal as refusal:
                raise Stopped(str(refusal)) from None
        if row is None:
            raise Stopped(f"No project is named {project!r}: `flask projects list` shows them.")
        self._scope = ProjectScope(row["id"])

    def send(self, parcel: Parcel) -> Outcome:
        """Store a parcel."""
        with self._app.app_context():
            try:
                applied = applied_in(self._scope)
                batch = READERS[parcel.door](parcel.body(), time.time_ns(), applied)
            except (BodyUndecodable, BodyTooLarge) as refusal:
                raise RefusedWhole(str(refusal)) from None
            appended = self._append(batch)
        rejections = appended.all_rejections(batch)
        return Outcome(
            stored=appended.stored,
            duplicates=appended.duplicates,
            refused=len({each.index for each in rejections}),
            reasons=[(each.index, each.reason) for each in rejections],
        )

    def _append(self, batch: Batch) -> Appended:
        for pause in PAUSES_SECONDS:
            try:
                return append(self._scope, batch.records)
            except DatabaseUnavailable:
                time.sleep(pause)
        try:
            return append(self._scope, batch.records)
        except Refusal as refusal:
            raise Stopped(str(refusal)) from None


class ServerTarget:
    """A server, over HTTP."""

    def __init__(self, url: str, key: str) -> None:
        self._address = urlsplit(url)
        if self._address.scheme not in {"http", "https"} or not self._address.hostname:
            raise SettingInvalid(
                f"--to {url[:100]!r} is no address: write it as http://127.0.0.1:4318."
            )
        self.name = f"{self._address.scheme}://{self._address.netloc.rpartition('@')[2]}"
        self._key = key
        self._connection: http.client.HTTPConnection | None = None

    def send(self, parcel: Parcel) -> Outcome:
        """Send a parcel."""
        status, headers, body = self._answer(parcel)
        if status in REFUSED_WHOLE:
            raise RefusedWhole(_sentence(body))
        if status != http.HTTPStatus.OK:
            raise Stopped(f"{self.name} answers {status}: {_sentence(body)}")
        outcome = _outcome(parcel, body)
        known = headers.get("X-AgentLogger-Duplicates", "0")
        if parcel.door != parts.NATIVE and known.isdigit():
            outcome.duplicates = min(int(known), outcome.stored)
            outcome.stored -= outcome.duplicates
        return outcome

    def _answer(self, parcel: Parcel) -> tuple[int, http.client.HTTPMessage, bytes]:
        path, media_type = DOORS[parcel.door]
        body = parcel.body()
        why = ""
        for planned in (*PAUSES_SECONDS, 0):
            pause: float = planned
            try:
                status, headers, answer = self._post(path, media_type, body)
            except (OSError, http.client.HTTPException) as fault:
                self._disconnect()
                why = f"is not reached ({str(fault) or type(fault).__name__})"
            else:
                if status not in AGAIN:
                    return status, headers, answer
                why = f"answers {status}: {_sentence(answer)}"
                pause = max(pause, _asked_to_wait(headers))
            time.sleep(pause)
        raise Stopped(f"{self.name} {why}: start it, or name another with --to.")

    def _post(
        self, path: str, media_type: str, body: bytes
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        if self._connection is None:
            is_tls = self._address.scheme == "https"
            kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
            host = str(self._address.hostname)
            self._connection = kind(host, self._address.port, timeout=TIMEOUT_SECONDS)
        headers = {"Content-Type": media_type}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        elif self._address.password:
            credential = f"{self._address.username}:{self._address.password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(credential).decode()}"
        whole = self._address.path.rstrip("/") + path
        self._connection.request("POST", whole, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.will_close:
            self._disconnect()
        return response.status, response.headers, answer

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _asked_to_wait(headers: http.client.HTTPMessage) -> int:
    """The seconds of a Retry-After; 0 for none, or a date, of which a clock may be wrong."""
    asked = headers.get("Retry-After", "")
    is_short = asked.isascii() and asked.isdigit() and len(asked) < 10  # noqa: PLR2004  (digits)
    return min(int(asked), WAIT_SECONDS_MOST) if is_short else 0


def _outcome(parcel: Parcel, body: bytes) -> Outcome:
    """What an answer of 200 says."""
    if parcel.door == parts.NATIVE:
        told = json.loads(body)
        return Outcome(
            stored=told["accepted"],
            duplicates=told["duplicates"],
            refused=told["rejected_count"],
            reasons=[(each["index"], each["reason"]) for each in told["rejected"]],
        )
    refused, message = _partial_success(body, DOORS[parcel.door][1])
    reasons = [(int(place), why) for place, why in PLACE.findall(message)] if refused else []
    return Outcome(stored=parcel.records - refused, refused=refused, reasons=reasons)


def _partial_success(body: bytes, media_type: str) -> tuple[int, str]:
    if media_type == "application/json":
        told: dict[str, str] = json.loads(body).get("partialSuccess", {})
        message = told.pop("errorMessage", "")
        return sum(map(int, told.values())), message
    # That of spans has the same numbers.
    partial = ExportLogsServiceResponse.FromString(body).partial_success
    return partial.rejected_log_records, partial.error_message


def _sentence(answer: bytes) -> str:
    """What an error says, in whichever form it came."""
    try:
        told = json.loads(answer)
        return str(told.get("detail") or told.get("message"))
    except (ValueError, AttributeError):
        # A google.rpc.Status in protobuf, or plain text: the words in it.
        return re.sub(r"[^\x20-\x7e]+", " ", answer.decode(errors="replace")).strip()[:300]
