"""What cannot be taken is answered as OTLP/HTTP 1.11.0 says: the status, and a message in it."""

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.exports import (
    ENCODINGS,
    LOGS,
    METRICS,
    SIGNALS,
    SQUEEZERS,
    TRACES,
    export,
    one,
    partial_success,
    require_status,
    require_success,
    written,
)
from tests.conformance.target import JSON, PROTOBUF, Target

LIMIT_BYTES = 64 * 1024 * 1024
"""The limit that OTLP recommends, on the wire and after inflating."""

PIECE = b"\0" * 1024 * 1024


def part(number: int, content: bytes) -> bytes:
    """A field of protobuf that holds bytes, fewer than 128."""
    return bytes([number << 3 | 2, len(content)]) + content


@SIGNALS
@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (PROTOBUF, b"\xff\xff\xff"),
        (PROTOBUF, b'{"resourceLogs":[]}'),
        (PROTOBUF, part(1, part(2, b"\x12\x05abc"))),
        (PROTOBUF, part(1, part(3, b"\xff\xfe"))),
        (JSON, b""),
        (JSON, b"\x0a\x00"),
        (JSON, b'{"resourceLogs":['),
        (JSON, b'"\xff"'),
        (JSON, b"null"),
        (JSON, b"[]"),
    ],
    ids=[
        "garbage", "JSON as protobuf", "half a message", "a text that is not UTF-8", "nothing",
        "protobuf as JSON", "half of JSON", "JSON that is not UTF-8", "null", "array",
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_a_400(door: Target, signal, media_type, body):
    require_status(door.post(signal.path, body, media_type), 400, media_type)


@SIGNALS
@ENCODINGS
@pytest.mark.parametrize("squeezer", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_compressed_body_that_is_cut_short_is_a_400_and_nothing_of_it_is_stored(
    *, door: Target, session, signal, media_type, squeezer, chunked
):
    body = SQUEEZERS[squeezer](written(signal, media_type, export(signal, session)))[:-3]
    sent = iter([body]) if chunked else body
    answer = door.post(signal.path, sent, media_type, squeezer)

    require_status(answer, 400, media_type)
    assert not door.stored(session)


@ENCODINGS
def test_a_body_that_is_not_compressed_as_it_says_is_a_400(door: Target, session, media_type):
    body = written(LOGS, media_type, export(LOGS, session))

    require_status(door.post(LOGS.path, body, media_type, "gzip"), 400, media_type)


@ENCODINGS
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_over_the_limit_is_a_413(door: Target, media_type, chunked):
    size = LIMIT_BYTES + len(PIECE)
    pieces = (PIECE for _ in range(size // len(PIECE)))
    length = {} if chunked else {"Content-Length": str(size)}
    answer = door.ask("POST", LOGS.path, pieces, {"Content-Type": media_type} | length)

    require_status(answer, 413, media_type)


@pytest.mark.parametrize("squeezer", ["gzip", "deflate", "zstd"])
def test_a_body_over_the_limit_after_inflating_is_a_413(door: Target, bombs, squeezer):
    answer = door.post(LOGS.path, bombs[squeezer], PROTOBUF, squeezer)

    require_status(answer, 413, PROTOBUF)


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """A body over the limit in each compression: thousands of bytes that become millions."""
    large = bytes(LIMIT_BYTES + 1)
    return {name: squeeze(large) for name, squeeze in SQUEEZERS.items() if name != "identity"}


@SIGNALS
@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/octet-stream", "application/grpc", None]
)
def test_another_media_type_is_a_415(door: Target, session, signal, media_type):
    body = written(signal, JSON, export(signal, session))

    assert door.post(signal.path, body, media_type).status == 415
    assert not door.stored(session)


@SIGNALS
@ENCODINGS
@pytest.mark.parametrize("encoding", ["br", "compress"])
def test_another_content_encoding_is_a_415(door: Target, session, signal, media_type, encoding):
    body = written(signal, media_type, export(signal, session))

    require_status(door.post(signal.path, body, media_type, encoding), 415, media_type)
    assert not door.stored(session)


@pytest.mark.parametrize("signal", [LOGS, TRACES, METRICS], ids=lambda signal: signal.name)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_a_405(door: Target, signal, method):
    answer = door.ask(method, signal.path)

    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]


@SIGNALS
@ENCODINGS
def test_a_wrong_key_is_a_401(target: Target, session, signal, media_type):
    if not target.key:
        target.require_agentlogger("whether a key is asked for")
    body = written(signal, media_type, export(signal, session))
    wrong = "alog_thiskeywasnevermadeatall"
    answer = target.ask("POST", signal.path, body, {"Content-Type": media_type}, key=wrong)

    require_status(answer, 401, media_type)
    assert answer.headers["WWW-Authenticate"]
    assert not target.stored(session)


@SIGNALS
def test_a_record_that_is_none_is_refused_alone_and_counted(target: Target, session, signal):
    content = export(signal, session, one(signal, "a"), 5, one(signal, "b"), None)
    target.require_agentlogger("how much of an invalid export is taken")
    answer = target.post(signal.path, json.dumps(content).encode(), JSON)

    refused, message = partial_success(answer, signal, JSON)
    assert (refused, len(target.stored(session) or [])) == (2, 2)
    assert "record 1" in message


@pytest.mark.parametrize("signal", [LOGS, TRACES, METRICS], ids=lambda signal: signal.name)
@ENCODINGS
def test_a_doubled_path_is_a_404_that_says_so(door: Target, session, signal, media_type):
    """What comes of an SDK's whole address where it asks for a base, or the other way round."""
    body = written(signal, media_type, export(signal, session))
    answer = door.post(f"{signal.path}{signal.path}", body, media_type)

    message = require_status(answer, 404, media_type)
    if door.is_agentlogger:
        assert "doubled" in message
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in message


@pytest.mark.parametrize(
    "path", ["/v1/log", "/v1/trace", "/v1", "/v1/logs/export", "/v1development/profiles"]
)
@ENCODINGS
def test_an_address_that_is_none_is_a_404(door: Target, session, path, media_type):
    answer = door.post(path, written(LOGS, media_type, export(LOGS, session)), media_type)

    message = require_status(answer, 404, media_type)
    if door.is_agentlogger:
        assert "/v1/logs" in message


@pytest.mark.parametrize("path", ["/", "/api/otel/", "/opentelemetry.proto.collector/Export"])
@ENCODINGS
def test_an_export_to_no_signals_address_is_told_where_to_go(
    door: Target, session, path, media_type
):
    """An endpoint of one signal is used as it is, and people forget its path."""
    door.require_agentlogger("other addresses")
    answer = door.post(path, written(LOGS, media_type, export(LOGS, session)), media_type)

    assert answer.status in {404, 405}
    assert "/v1/logs" in require_status(answer, answer.status, media_type)


@pytest.mark.parametrize("sent", [LOGS, TRACES, METRICS], ids=lambda signal: f"sent {signal.name}")
@pytest.mark.parametrize("other", [LOGS, TRACES, METRICS], ids=lambda signal: f"to {signal.name}")
@ENCODINGS
def test_an_export_at_another_signals_door_is_told_where_to_go(
    *, door: Target, session, sent, other, media_type
):
    """Their wrappers have the same numbers, so that protobuf reads each as any other."""
    if sent is other:
        return
    door.require_agentlogger("what becomes of another signal")
    body = written(sent, media_type, export(sent, session))
    answer = door.post(other.path, body, media_type)

    assert sent.path in require_status(answer, 400, media_type)
    assert not door.stored(session)


# It waits for as long as a server does, and is told quickly of ours by tests/journeys.
@pytest.mark.promise
def test_while_the_database_is_locked_clients_are_told_when_to_come_again(target: Target, session):
    locked = getattr(target, "locked", None)
    if locked is None:
        pytest.skip("nobody but its owner can lock a server's database")
    bodies = {
        media_type: written(LOGS, media_type, export(LOGS, session))
        for media_type in (PROTOBUF, JSON)
    }
    with locked(), ThreadPoolExecutor(len(bodies)) as clients:
        answers = clients.map(lambda sent: target.post(LOGS.path, sent[1], sent[0]), bodies.items())
        for media_type, answer in zip(bodies, answers, strict=True):
            assert require_status(answer, 503, media_type)
            # SDKs give up where it lies beyond the ten seconds of all their tries.
            assert 1 <= int(answer.headers["Retry-After"]) <= 3
    for media_type, body in bodies.items():
        require_success(target.post(LOGS.path, body, media_type), LOGS, media_type)
    assert len(target.stored(session) or []) == len(bodies)


def test_an_answer_is_small_however_much_was_wrong(door: Target, session):
    """OTLP recommends 4 MiB at most."""
    wrong = [one(LOGS, "a\0" * 50, attributes=[{"key": "k\0" * 200, "value": {}}])] * 2_000
    body = gzip.compress(written(LOGS, JSON, export(LOGS, session, *wrong)), 1)

    assert len(door.post(LOGS.path, body, JSON, "gzip").body) < 4 * 1024 * 1024
