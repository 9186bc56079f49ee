"""A `logging.Handler` that sends to AgentLogger and never hurts the program that it is in.

Nothing but the standard library: the file works copied alone into another project.

    import logging
    from agentlogger.handler import AgentLoggerHandler, context

    logging.getLogger().addHandler(AgentLoggerHandler(service="planner"))
    with context(session="s-17", tool="grep"):
        logging.info("found %d files", 12, extra={"duration_ms": 40})

A call to a logger only puts the record into a bounded queue. A thread sends what is there, again
and again while the server is away; every record carries an id, so that what was sent twice is
stored once. When the queue is full the oldest record goes, and the next request says how many did.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import logging
import os
import random
import socket
import sys
import threading
import time
import traceback
import urllib.parse
import uuid
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

ENDPOINT = "http://127.0.0.1:4318"
PATH = "/api/v1/logs"

CAPACITY = 10_000
"""Records that wait at most: some 10 MB, and a minute of a busy agent."""

BATCH = 512
"""Records in one request, as OpenTelemetry's SDKs send them."""

INTERVAL_SECONDS = 1.0
"""How long a record waits for others to go with."""

TIMEOUT_SECONDS = 10.0
"""How long one request may take."""

FLUSH_STEP_SECONDS = 0.01
"""A flush looks this often whether all is sent."""

EXIT_SECONDS = 5.0
"""How long the end of the program may wait for what was not sent yet."""

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
"""Between tries, growing: a server that comes back must not meet everybody at once."""

AGAIN = {408, 429, 500, 502, 503, 504}
"""Answers after which the same request may succeed; after all others it never will."""

TOO_LARGE = 413
STORED = range(200, 300)

COLUMNS = frozenset({
    "agent", "duration_ms", "error_message", "error_type", "event", "model", "prompt_id",
    "provider", "request_id", "run_id", "session_id", "span_id", "success", "tool", "tool_call_id",
    "trace_id", "user_id",
})  # fmt: skip
"""What stands beside the message, by the names of AgentLogger's plain JSON; else it is an
attribute."""

SHORT = {
    "session": "session_id",
    "prompt": "prompt_id",
    "run": "run_id",
    "user": "user_id",
    "tool_call": "tool_call_id",
    "request": "request_id",
}
"""What `context` may be told for short."""

OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every log record has; the rest came with `extra`."""

_context: ContextVar[Mapping[str, Any]] = ContextVar("agentlogger_context")


@contextlib.contextmanager
def context(**fields: Any) -> Iterator[None]:
    """Let every record of this block carry these fields, also across `await` and in its tasks.

    `session`, `run`, `tool`, `agent`, `prompt`, `user` and their like fill the columns of that
    name; others become attributes. A block within a block adds to it.
    """
    named = {SHORT.get(name, name): value for name, value in fields.items()}
    token = _context.set({**_context.get({}), **named})
    try:
        yield
    finally:
        _context.reset(token)


class AgentLoggerHandler(logging.Handler):
    """Sends log records to AgentLogger in the background.

    `endpoint` is the server's address, by default `AGENTLOGGER_ENDPOINT`, else
    `OTEL_EXPORTER_OTLP_ENDPOINT`, else this machine's; `key` is by default `AGENTLOGGER_KEY`;
    `service` names the program, by default `OTEL_SERVICE_NAME`. No call to a logger raises or waits
    for the server. Problems are told once each on standard error; `sent`, `dropped` and `refused`
    count records.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        key: str | None = None,
        service: str | None = None,
        capacity: int = CAPACITY,
        exit_seconds: float = EXIT_SECONDS,
        level: int | str = logging.NOTSET,
    ) -> None:
        named = os.environ.get("AGENTLOGGER_ENDPOINT") or os.environ.get(
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        self._address = urllib.parse.urlsplit(endpoint or named or ENDPOINT)
        if self._address.scheme not in {"http", "https"} or not self._address.hostname:
            raise ValueError(
                f"The endpoint {endpoint or named!r} is no address: write it as {ENDPOINT}."
            )
        # Not before: what logging knows of, it flushes at the end of the program.
        super().__init__(level)
        self._key = key or os.environ.get("AGENTLOGGER_KEY")
        self._service = service or os.environ.get("OTEL_SERVICE_NAME") or _program()
        self._exit_seconds = exit_seconds
        self._waiting: deque[dict[str, Any]] = deque(maxlen=max(1, capacity))
        self.sent = self.dropped = self.refused = 0
        self._begin()
        # A child that was forked has no thread, and what waited is its parent's to send.
        me = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _begin_again(me))

    def _begin(self) -> None:
        self._ids = itertools.count()
        self._prefix = uuid.uuid4().hex
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._sending = False
        self._connection: http.client.HTTPConnection | None = None
        self._told: set[str] = set()
        self._untold = 0
        self._gave_up = False
        self._waiting.clear()

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record into the queue; the thread sends it."""
        if self._thread is not None and threading.get_ident() == self._thread.ident:
            # What sending itself logs would never end.
            return
        try:
            made = self._made(record)
        except Exception:  # noqa: BLE001  (logging's own rule: a bad record harms nobody)
            self.handleError(record)
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
            self._untold += 1
        self._waiting.append(made)
        self._gave_up = False
        if self._thread is None:
            self._start()
        if len(self._waiting) >= BATCH:
            self._wake.set()

    def flush(self) -> None:
        """Wait until everything is sent, `exit_seconds` at most."""
        if self._thread is None or not self._thread.is_alive():
            return
        deadline = time.monotonic() + self._exit_seconds
        self._leaving.set()
        self._wake.set()
        while (self._waiting or self._sending) and time.monotonic() < deadline:
            time.sleep(FLUSH_STEP_SECONDS)
        self._gave_up = bool(self._waiting or self._sending)
        self._leaving.clear()

    def close(self) -> None:
        """Send what is left, as `flush` does, and stop; Python calls both at its end.

        Of a flush in vain it makes no second: the program would end after twice `exit_seconds`.
        """
        if not self._gave_up:
            self.flush()
        if self._waiting or self._sending:
            self._tell("records could not be sent before the end of the program and are lost")
        super().close()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="agentlogger", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # The interpreter is ending, and starts no thread any more.
            self._thread = None

    def _made(self, record: logging.LogRecord) -> dict[str, Any]:
        extra = {name: value for name, value in vars(record).items() if name not in OWN}
        given = {**_context.get({}), **extra}
        attributes: dict[str, Any] = {
            "code.file.path": record.pathname,
            "code.line.number": record.lineno,
            "code.function.name": record.funcName,
            "thread.name": record.threadName,
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            attributes["exception.type"] = kind.__qualname__
            attributes["exception.message"] = str(error)
            attributes["exception.stacktrace"] = "".join(
                traceback.format_exception(kind, error, trace)
            )
        columns = {name: given.pop(name) for name in COLUMNS & given.keys()}
        return {
            "id": f"{self._prefix}-{next(self._ids)}",
            "ts_ns": int(record.created * 1e9),
            "severity_number": _severity(record.levelno),
            "severity_text": record.levelname,
            "message": record.getMessage(),
            "scope": {"name": record.name},
            **columns,
            "attributes": {**attributes, **given},
        }

    def _work(self) -> None:
        while True:
            self._wake.wait(INTERVAL_SECONDS)
            self._wake.clear()
            while self._waiting:
                self._sending = True
                self._deliver(self._taken())
                self._sending = False

    def _taken(self) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        with contextlib.suppress(IndexError):
            while len(batch) < BATCH:
                batch.append(self._waiting.popleft())
        return batch

    def _deliver(self, batch: list[dict[str, Any]]) -> None:
        """Send a batch until the server has it, or will never take it."""
        if self._untold:
            untold, self._untold = self._untold, 0
            batch.append(self._loss(untold))
        body = self._body(batch)
        pause, chance = FIRST_PAUSE_SECONDS, random.SystemRandom()  # a program may seed its own
        while True:
            status, asked = self._post(body)
            if status in STORED:
                self.sent += len(batch)
                return
            if status == TOO_LARGE and len(batch) > 1:
                middle = len(batch) // 2
                self._deliver(batch[:middle])
                self._deliver(batch[middle:])
                return
            if status is not None and status not in AGAIN:
                self.refused += len(batch)
                self._tell(f"the server answers {status}, so what was sent is lost")
                return
            if self._leaving.is_set():
                wait = min(pause, 0.2)
            else:
                wait = asked if asked is not None else pause * chance.uniform(0.5, 1.5)
            self._leaving.wait(min(wait, LONGEST_PAUSE_SECONDS))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _body(self, batch: list[dict[str, Any]]) -> bytes:
        resource = {
            "service.name": self._service,
            "process.pid": os.getpid(),
            "host.name": socket.gethostname(),
            "telemetry.sdk.name": "agentlogger.handler",
        }
        with_resource = [{**one, "resource": resource} for one in batch]
        try:
            return json.dumps(with_resource, default=_shown, allow_nan=False).encode()
        except Exception:  # noqa: BLE001  (whatever it is, the others are sent as they are)
            return f"[{','.join(map(_alone, with_resource))}]".encode()

    def _post(self, body: bytes) -> tuple[int | None, float | None]:
        """The status of the answer, and how long it asks to wait; None where there is none."""
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            if self._connection is None:
                self._connection = self._connected()
            path = self._address.path.rstrip("/") + PATH
            self._connection.request("POST", path, body, headers)
            response = self._connection.getresponse()
            response.read()
        except Exception as fault:  # noqa: BLE001  (whatever it is, the records wait)
            self._disconnect()
            self._tell(f"{self._address.netloc} is not reached ({fault}); records wait")
            return None, None
        if response.will_close:
            self._disconnect()
        return response.status, _seconds(response.headers.get("Retry-After"))

    def _connected(self) -> http.client.HTTPConnection:
        kind = (
            http.client.HTTPSConnection
            if self._address.scheme == "https"
            else http.client.HTTPConnection
        )
        return kind(str(self._address.hostname), self._address.port, timeout=TIMEOUT_SECONDS)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _loss(self, count: int) -> dict[str, Any]:
        return {
            "id": f"{self._prefix}-{next(self._ids)}",
            "ts_ns": time.time_ns(),
            "severity_number": _severity(logging.WARNING),
            "message": f"{count} records before this one were dropped: the queue was full.",
            "scope": {"name": __name__},
            "attributes": {"dropped": count},
        }

    def _tell(self, problem: str) -> None:
        """Say a problem once: a program's standard error is not ours to fill."""
        kind = problem.partition("(")[0]
        if kind not in self._told and sys.stderr is not None:
            self._told.add(kind)
            with contextlib.suppress(Exception):
                sys.stderr.write(f"AgentLogger: {problem}.\n")


def _begin_again(handler: weakref.ref[AgentLoggerHandler]) -> None:
    found = handler()
    if found is not None:
        found._begin()  # noqa: SLF001  (the same file's)


def _severity(level: int) -> int:
    """OpenTelemetry's number: 5 for DEBUG, 9 for INFO, 13, 17, 21; those between lie between."""
    return max(1, min(24, 1 + 4 * (level // 10) + min(3, level % 10 // 3)))


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header or ""))
    except ValueError:
        return None


def _program() -> str:
    return os.path.basename(sys.argv[0] or "") or "python"  # noqa: PTH119  (a name, no path)


def _shown(value: Any) -> Any:
    """What JSON does not know, as text; an object whose own text fails is named by its type."""
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    try:
        return str(value)
    except Exception:  # noqa: BLE001  (somebody's __str__)
        return f"<{type(value).__name__}>"


def _alone(record: dict[str, Any]) -> str:
    """A record as JSON, with the text of what JSON does not hold: NaN, endless depth, odd keys."""
    try:
        return json.dumps(record, default=_shown, allow_nan=False)
    except Exception:  # noqa: BLE001  (whatever it is, the record is sent)
        attributes = {str(name): _kept(value) for name, value in record["attributes"].items()}
        columns = {name: _kept(value) for name, value in record.items() if name != "attributes"}
        return json.dumps({**columns, "attributes": attributes})


def _kept(value: Any) -> Any:
    """A copy of what JSON holds, else the text of it."""
    with contextlib.suppress(Exception):
        return json.loads(json.dumps(value, default=_shown, allow_nan=False))
    with contextlib.suppress(Exception):
        return repr(value)[:2000]
    return f"<{type(value).__name__}>"
