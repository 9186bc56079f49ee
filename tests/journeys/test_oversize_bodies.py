"""A body over the limit is refused whole, on the wire or inflated, and costs little memory.

The bodies are padded by a field that no export has, in pieces of one size. So each beginning of a
body that ends with a piece is an export too: one that was cut somewhere, and taken for whole,
would be stored.
"""

from __future__ import annotations

import itertools
import uuid
import zlib
from collections.abc import Iterator

import pytest
from google.rpc.status_pb2 import Status

from agentlogger.limits import BODY_PLAIN_BYTES, BODY_WIRE_BYTES
from tests.journeys.exports import protobuf_export
from tests.journeys.memory import peak_bytes
from tests.journeys.talking import PROTOBUF, Answer, ask, stored_records

PIECE_BYTES = 64 * 1024
OVER_BYTES = 32 * 1024 * 1024
"""How far a body is over the limit: the client is still sending when the server has seen enough."""
PADDING_TAG = b"\xc2\x3e"
"""Field 1000, a text: readers of protobuf skip fields that they do not know."""
BOMB_BYTES = 512 * 1024 * 1024
MEMORY_BYTES = 3 * BODY_PLAIN_BYTES
"""What one request may add to the server's memory: the body once inflated, and room to work."""
RESOURCE_EXHAUSTED = 8
"""google.rpc.Code.RESOURCE_EXHAUSTED"""


def padding(size: int) -> bytes:
    """So many bytes that mean nothing in an export."""
    length = size - len(PADDING_TAG) - 3
    varint = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
    return PADDING_TAG + varint + bytes(length)


def pieces_of(uid: str, size: int) -> Iterator[bytes]:
    """An export of one record, as pieces of one size that are so many bytes together."""
    record = protobuf_export([uid])
    yield record + padding(PIECE_BYTES - len(record))
    yield from itertools.repeat(padding(PIECE_BYTES), size // PIECE_BYTES - 1)


def send_chunked(server, uid: str, size: int) -> Answer:
    headers = {"Content-Type": PROTOBUF, "Transfer-Encoding": "chunked"}
    return ask(server, "POST", "/v1/logs", pieces_of(uid, size), headers)


def require_refusal(answer: Answer) -> None:
    """Check that the answer is one on which a client gives the body up."""
    assert answer.status == 413
    assert answer.headers["Content-Type"] == PROTOBUF
    assert "Retry-After" not in answer.headers
    status = Status.FromString(answer.body)
    assert status.code == RESOURCE_EXHAUSTED
    assert "send fewer records in one request" in status.message


def bodies(server) -> set[str]:
    """Every text that is stored as a body, whoever sent it."""
    return {record["body"] for record in stored_records(server) if isinstance(record["body"], str)}


def test_a_chunked_body_of_the_limit_is_stored_and_one_over_it_is_refused(shared_server):
    fits, too_large = uuid.uuid4().hex, uuid.uuid4().hex

    assert send_chunked(shared_server, fits, BODY_WIRE_BYTES).status == 200
    require_refusal(send_chunked(shared_server, too_large, BODY_WIRE_BYTES + OVER_BYTES))
    assert bodies(shared_server) & {fits, too_large} == {fits}


def test_a_body_whose_length_is_over_the_limit_is_refused_in_words(shared_server):
    uid, size = uuid.uuid4().hex, BODY_WIRE_BYTES + OVER_BYTES
    headers = {"Content-Type": PROTOBUF, "Content-Length": str(size)}

    require_refusal(ask(shared_server, "POST", "/v1/logs", pieces_of(uid, size), headers))
    assert uid not in bodies(shared_server)


BOMB = uuid.uuid4().hex


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A body that is small on the wire and large when inflated: an export of the record BOMB."""
    gzip = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    inflating = b"".join(map(gzip.compress, pieces_of(BOMB, BOMB_BYTES)))
    return inflating + gzip.flush()


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "chunked"])
def test_a_gzip_bomb_is_refused_and_takes_little_memory(shared_server, bomb, chunked):
    before = peak_bytes(shared_server)
    headers = {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}
    if chunked:
        headers["Transfer-Encoding"] = "chunked"

    answer = ask(shared_server, "POST", "/v1/logs", [bomb] if chunked else bomb, headers)
    require_refusal(answer)
    assert BOMB not in bodies(shared_server)
    assert peak_bytes(shared_server) - before < MEMORY_BYTES
