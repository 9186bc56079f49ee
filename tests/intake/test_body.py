"""The body reader: exact at its limits, whatever the pieces; small in memory; never half a body."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlogger.errors import BodyTooLarge, BodyUndecodable, EncodingUnsupported
from agentlogger.intake import body, inflating
from agentlogger.limits import BODY_PIECE_BYTES, BODY_PLAIN_BYTES, BODY_WIRE_BYTES

LIMIT = 10_000
TEXT = b'{"resourceLogs":[]}' * 20


class Wire:
    """A stream that gives the bytes in pieces of a size, and counts what was taken from it."""

    def __init__(self, content: bytes, piece: int = BODY_PIECE_BYTES) -> None:
        self.content = content
        self.piece = piece
        self.taken = 0

    def read(self, size: int, /) -> bytes:
        found = self.content[self.taken : self.taken + min(size, self.piece)]
        self.taken += len(found)
        return found


class Broken:
    """A stream that gives something and then raises, as a server does for a lost connection."""

    def __init__(self, pieces: Iterable[bytes], fault: Exception) -> None:
        self.pieces = iter(pieces)
        self.fault = fault
        self.asked = 0

    def read(self, _size: int, /) -> bytes:
        self.asked += 1
        for piece in self.pieces:
            return piece
        raise self.fault


def raw_deflate(content: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeeze.compress(content) + squeeze.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "raw": raw_deflate,
}


def read(content: bytes, *, encoding: str = "", piece: int = BODY_PIECE_BYTES) -> bytes:
    return body.read_body(Wire(content, piece), content_length=None, encoding=encoding)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits small enough to be reached."""
    monkeypatch.setattr(body, "BODY_WIRE_BYTES", LIMIT)
    monkeypatch.setattr(inflating, "BODY_PLAIN_BYTES", LIMIT)
    monkeypatch.setattr(body, "DRAIN_BYTES", LIMIT)
    monkeypatch.setattr(body, "BODY_PIECE_BYTES", 512)
    monkeypatch.setattr(inflating, "INFLATED_PIECE_BYTES", 700)


def test_the_limits_are_those_that_otlp_recommends() -> None:
    assert BODY_WIRE_BYTES == BODY_PLAIN_BYTES == 64 * 1024 * 1024


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("declared", [True, False], ids=["with its length", "chunked"])
@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_a_body_up_to_the_limit_is_read_whole(size: int, *, declared: bool) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    wire = Wire(content[:size], piece=100)
    length = size if declared else None
    assert body.read_body(wire, content_length=length, encoding="") == content[:size]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("declared", [True, False], ids=["with its length", "chunked"])
def test_a_body_one_byte_over_the_limit_is_refused(*, declared: bool) -> None:
    wire = Wire(b"x" * (LIMIT + 1))
    with pytest.raises(BodyTooLarge, match="10,000 bytes on the wire"):
        body.read_body(wire, content_length=LIMIT + 1 if declared else None, encoding="")
    assert wire.taken == LIMIT + 1, "the client would not see the answer"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_a_compressed_body_up_to_the_limit_is_read_whole(
    size: int, encode: Callable[[bytes], bytes]
) -> None:
    assert read(encode(b"x" * size), encoding="deflate") == b"x" * size


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_a_compressed_body_one_byte_over_the_limit_is_refused(
    encode: Callable[[bytes], bytes],
) -> None:
    with pytest.raises(BodyTooLarge, match="10,000 bytes after inflating"):
        read(encode(b"x" * (LIMIT + 1)), encoding="deflate")


@pytest.mark.usefixtures("small")
def test_many_small_members_count_together() -> None:
    members = gzip.compress(b"x" * 100, mtime=0) * (LIMIT // 100)
    assert read(members[: LIMIT * 10], encoding="gzip") == b"x" * LIMIT
    with pytest.raises(BodyTooLarge):
        read(members + gzip.compress(b"x", mtime=0), encoding="gzip")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.binary(max_size=300),
    piece=st.integers(1, 40),
    inflated=st.integers(1, 40),
    encoder=st.sampled_from(list(ENCODERS)),
    level=st.integers(0, 9),
)
def test_pieces_of_any_size_make_the_same_body(
    content: bytes, piece: int, inflated: int, encoder: str, level: int
) -> None:
    content = content * 7
    wbits = {"gzip": 31, "zlib": 15, "raw": -15}[encoder]
    squeeze = zlib.compressobj(level, zlib.DEFLATED, wbits)
    squeezed = squeeze.compress(content) + squeeze.flush()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inflating, "INFLATED_PIECE_BYTES", inflated)
        assert read(squeezed, encoding="deflate", piece=piece) == content


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip ", "x-gzip", "deflate", "Deflate"])
@pytest.mark.parametrize("encoder", ["gzip", "zlib"])
def test_gzip_and_zlib_are_told_apart_by_their_headers(encoding: str, encoder: str) -> None:
    assert read(ENCODERS[encoder](TEXT), encoding=encoding) == TEXT


def test_raw_deflate_is_no_gzip() -> None:
    assert read(raw_deflate(TEXT), encoding="deflate") == TEXT
    with pytest.raises(BodyUndecodable):
        read(raw_deflate(TEXT), encoding="gzip")


@pytest.mark.parametrize("encoding", ["", "identity", "Identity"])
def test_without_an_encoding_nothing_is_inflated(encoding: str) -> None:
    assert read(gzip.compress(TEXT, mtime=0), encoding=encoding) == gzip.compress(TEXT, mtime=0)


@pytest.mark.parametrize("encoding", ["br", "lz4", "snappy", "gzip, gzip", "gzip\x00"])
def test_another_encoding_is_refused_with_its_name_and_its_body_drained(encoding: str) -> None:
    wire = Wire(TEXT, piece=7)
    with pytest.raises(EncodingUnsupported, match="send gzip, deflate, zstd or none"):
        body.read_body(wire, content_length=len(TEXT), encoding=encoding)
    assert wire.taken == len(TEXT)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_empty_body_is_empty_in_every_encoding(encoding: str) -> None:
    assert read(b"", encoding=encoding) == b""


@pytest.mark.parametrize("piece", [1, 3, BODY_PIECE_BYTES])
def test_gzip_may_have_several_members(piece: int) -> None:
    members = gzip.compress(b"a", mtime=0) + gzip.compress(b"") + gzip.compress(b"bc")
    assert read(members, encoding="gzip", piece=piece) == b"abc"


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("piece", [1, BODY_PIECE_BYTES])
def test_a_body_cut_anywhere_is_refused(encode: Callable[[bytes], bytes], piece: int) -> None:
    whole = encode(TEXT)
    for end in range(1, len(whole)):
        with pytest.raises(BodyUndecodable):
            read(whole[:end], encoding="deflate", piece=piece)


def test_a_second_member_that_is_cut_is_refused() -> None:
    for end in range(1, 20):
        with pytest.raises(BodyUndecodable):
            read(gzip.compress(TEXT, mtime=0) + gzip.compress(b"more")[:end], encoding="gzip")


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("rest", [b"\0\0", b"garbage", b"\x78\x9c", b"x"])
@pytest.mark.parametrize("piece", [1, BODY_PIECE_BYTES])
def test_what_follows_the_end_is_no_part_of_a_body(
    encode: Callable[[bytes], bytes], rest: bytes, piece: int
) -> None:
    with pytest.raises(BodyUndecodable):
        read(encode(TEXT) + rest, encoding="deflate", piece=piece)


@pytest.mark.parametrize("encode", [zlib.compress, raw_deflate], ids=["zlib", "raw"])
def test_only_gzip_may_be_followed_by_gzip(encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BodyUndecodable, match="something else"):
        read(encode(TEXT) + gzip.compress(TEXT, mtime=0), encoding="deflate")


@pytest.mark.parametrize(
    "content",
    [b'{"resourceLogs":[]}', b"\x1f\x8b\x08garbage", b"\x78\x9cx"],
    ids=["JSON", "as gzip begins", "as zlib begins"],
)
def test_what_is_not_compressed_is_refused_as_such(content: bytes) -> None:
    with pytest.raises(BodyUndecodable):
        read(content, encoding="gzip")


def test_a_wrong_checksum_is_noticed() -> None:
    whole = bytearray(gzip.compress(TEXT, mtime=0))
    whole[-6] ^= 1
    with pytest.raises(BodyUndecodable, match="incorrect data check"):
        read(bytes(whole), encoding="gzip")


def test_a_body_shorter_than_its_length_is_refused_and_counted() -> None:
    with pytest.raises(BodyUndecodable, match="after 5 of 9 bytes"):
        body.read_body(Wire(b"12345"), content_length=9, encoding="")


@pytest.mark.parametrize("fault", [OSError("reset"), TimeoutError(), ValueError(), RuntimeError()])
def test_a_connection_that_breaks_is_the_clients_fault_and_not_asked_again(
    fault: Exception,
) -> None:
    stream = Broken([b"some"], fault)
    with pytest.raises(BodyUndecodable, match="broke off") as refusal:
        body.read_body(stream, content_length=None, encoding="")
    assert refusal.value.__cause__ is fault
    assert stream.asked == 2


def test_a_connection_that_breaks_while_being_drained_changes_no_answer() -> None:
    stream = Broken([b"not gzip at all"], OSError("reset"))
    with pytest.raises(BodyUndecodable, match="is not compressed as"):
        body.read_body(stream, content_length=None, encoding="gzip")
    assert stream.asked == 2


@pytest.mark.usefixtures("small")
def test_an_endless_body_is_not_read_for_ever() -> None:
    wire = Wire(b"x" * LIMIT * 10)
    with pytest.raises(BodyTooLarge):
        body.read_body(wire, content_length=None, encoding="")
    assert LIMIT * 2 <= wire.taken <= LIMIT * 2 + 512


@pytest.mark.usefixtures("small")
def test_what_is_too_long_to_wait_for_is_not_drained_at_all() -> None:
    wire = Wire(b"x" * LIMIT * 3)
    with pytest.raises(BodyTooLarge):
        body.read_body(wire, content_length=LIMIT * 3, encoding="")
    assert wire.taken == 0


def test_a_body_can_be_thrown_away_unread() -> None:
    wire = Wire(TEXT, piece=9)
    body.discard_body(wire, content_length=len(TEXT))
    assert wire.taken == len(TEXT)


@pytest.mark.parametrize("encoder", list(ENCODERS))
def test_a_bomb_is_stopped_before_it_fills_the_memory(encoder: str) -> None:
    zeros = bytes(1024 * 1024)
    squeeze = zlib.compressobj(wbits={"gzip": 31, "zlib": 15, "raw": -15}[encoder])
    bomb = b"".join(squeeze.compress(zeros) for _ in range(80)) + squeeze.flush()
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge, match="after inflating"):
            read(bomb, encoding="deflate")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BODY_PLAIN_BYTES * 1.2


def test_a_whole_body_takes_its_own_size_twice_at_most() -> None:
    content = gzip.compress(bytes(40 * 1024 * 1024), mtime=0)
    tracemalloc.start()
    try:
        assert len(read(content, encoding="gzip")) == 40 * 1024 * 1024
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 1024 * 1024
