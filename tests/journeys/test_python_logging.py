"""Python's own `logging`, by way of OpenTelemetry's handler: every field as it was sent."""

from __future__ import annotations

import logging
import traceback
import uuid
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.resources import Resource

from tests.journeys.comparing import as_read, exactly, sent_part
from tests.journeys.serving import Server
from tests.journeys.talking import stored_records

# The handler that replaces it comes with a package of its own; this one is what programs that
# need no more than the SDK use today.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.LoggingHandler. in .opentelemetry-sdk. is deprecated:DeprecationWarning"
)

LOGGER = "journey.program"
NOTICE = 25


class Program:
    """A program that logs, and what the SDK made of it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kept = InMemoryLogRecordExporter()
        self.resource = {"service.name": "journey-program", "session.id": str(uuid.uuid4())}
        resource = Resource(self.resource)
        self._provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(SimpleLogRecordProcessor(self._kept))
        exporter = OTLPLogExporter(endpoint=f"{server.address}/v1/logs")
        self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        self.handler = LoggingHandler(logger_provider=self._provider)

    def sent(self):
        """Deliver what is still waiting, and return it all as the API must give it back."""
        self._provider.force_flush()
        return [as_read(record) for record in self._kept.get_finished_logs()]

    def stored(self):
        """What the server has of this program, in the order of sending."""
        return stored_records(self._server, session=self.resource["session.id"])[::-1]

    def end(self) -> None:
        self._provider.shutdown()


@pytest.fixture
def program(shared_server: Server) -> Iterator[Program]:
    started = Program(shared_server)
    log = logging.getLogger(LOGGER)
    log.addHandler(started.handler)
    log.setLevel(1)
    log.propagate = False
    yield started
    log.removeHandler(started.handler)
    log.propagate = True
    started.end()


def test_a_level_becomes_the_severity_that_opentelemetry_gives_it(program):
    logging.addLevelName(NOTICE, "NOTICE")
    log = logging.getLogger(LOGGER)
    for level in (5, 10, 20, NOTICE, 30, 40, 50):
        log.log(level, "at level %d", level)
    sent = program.sent()
    read = [sent_part(record) for record in program.stored()]

    assert exactly(read) == exactly(sent)
    assert [(record["severity_text"], record["severity_number"]) for record in read] == [
        ("Level 5", 9),  # It has no number of its own, and so counts as one that tells nothing.
        ("DEBUG", 5),
        ("INFO", 9),
        ("NOTICE", 12),
        ("WARN", 13),
        ("ERROR", 17),
        ("FATAL", 21),
    ]
    assert read[0]["severity_source"] == "derived"


def test_what_extra_holds_becomes_attributes(program):
    extra = {
        "prompt.id": "0b7c1c9e",
        "attempt": 2**63 - 1,
        "ratio": 0.1 + 0.2,
        "cached": False,
        "tools": ["Bash", 1, None],
        "usage": {"input": 12, "nested": {"raw": b"\x00\xff"}},
        "nothing": None,
    }
    logging.getLogger(LOGGER).info("asked %s for %d tokens", "the model", 12, extra=extra)
    sent = program.sent()
    (read,) = program.stored()

    assert exactly(sent_part(read)) == exactly(sent[0])
    assert read["body"] == "asked the model for 12 tokens"
    assert read["scope"] == {"name": LOGGER}
    assert read["resource"] == program.resource
    usage = {"input": 12, "nested": {"raw": "AP8="}}
    assert exactly(extra | {"usage": usage}).items() <= exactly(read["attributes"]).items()
    assert read["prompt_id"] == "0b7c1c9e"


def read_number(text: str) -> None:
    raise ValueError(text)


def test_an_exception_keeps_its_type_its_message_and_its_trace(program):
    log = logging.getLogger(LOGGER)
    try:
        read_number("naïve \0 input")
    except ValueError as fault:
        log.exception("It failed")
        trace = traceback.format_exc()
        told = fault
    sent = program.sent()
    (read,) = program.stored()

    # NUL is the one character that neither database keeps: it is replaced, and that is told.
    kept = {name: str(value).replace("\0", "\ufffd") for name, value in {
        "exception.type": "ValueError",
        "exception.message": str(told),
        "exception.stacktrace": trace,
    }.items()}  # fmt: skip
    assert kept.items() <= read["attributes"].items()
    assert set(read["attributes"]) == set(sent[0]["attributes"])
    assert read["adjustments"] == {"text.nul": {"count": 2}}
    assert (read["ok"], read["error_type"]) == (False, "ValueError")
    assert read["error_message"] == kept["exception.message"]
    assert (read["severity_number"], read["severity_text"]) == (17, "ERROR")
    assert read["body"] == "It failed"


def test_a_message_that_is_no_text_keeps_its_structure(program):
    log = logging.getLogger(LOGGER)
    messages = [{"step": 1, "parts": ["a", None]}, ["a", 2], 12, True, None]
    for message in messages:
        log.info(message)
    sent = program.sent()
    read = [sent_part(record) for record in program.stored()]

    assert exactly([record["body"] for record in read]) == exactly(messages)
    assert exactly(read) == exactly(sent)
