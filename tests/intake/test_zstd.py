"""zstd in the body reader: whole or refused, whatever the pieces, and never more than the limit."""

from __future__ import annotations

import tracemalloc

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentlogger.errors import BodyTooLarge, BodyUndecodable
from agentlogger.intake import body, inflating
from agentlogger.limits import BODY_PIECE_BYTES, BODY_PLAIN_BYTES
from tests.intake.test_body import TEXT, Wire

LIMIT = 10_000


def read(content: bytes, *, piece: int = BODY_PIECE_BYTES) -> bytes:
    return body.read_body(Wire(content, piece), content_length=None, encoding="zstd")


def streamed(content: bytes, level: int = 3) -> bytes:
    """A frame that does not say how much is in it, as a client that streams writes it."""
    squeeze = zstandard.ZstdCompressor(level=level, write_content_size=False).compressobj()
    return squeeze.compress(content) + squeeze.flush()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.binary(max_size=2_000),
    times=st.integers(1, 50),
    piece=st.integers(1, 600),
    level=st.integers(-5, 12),  # those above differ in what they take to write alone
)
def test_pieces_of_any_size_make_the_same_body(
    content: bytes, times: int, piece: int, level: int
) -> None:
    content = content * times
    assert read(streamed(content, level), piece=piece) == content
    assert read(zstandard.compress(content, level), piece=piece) == content


@pytest.mark.parametrize("piece", [1, 3, BODY_PIECE_BYTES])
def test_it_may_have_several_frames(piece: int) -> None:
    frames = zstandard.compress(b"a") + zstandard.compress(b"") + streamed(b"bc")
    assert read(frames, piece=piece) == b"abc"


def test_nothing_is_nothing() -> None:
    assert read(b"") == b""


@pytest.mark.parametrize("piece", [1, 7, 8, BODY_PIECE_BYTES])
@pytest.mark.parametrize("before", [b"", zstandard.compress(TEXT)], ids=["first", "second"])
def test_a_frame_that_holds_less_than_it_says_is_refused(before: bytes, piece: int) -> None:
    """The library takes this one in pieces, and refuses it whole."""
    says_47_holds_none = bytes.fromhex("28b52ffd 20 2f 010000")

    with pytest.raises(BodyUndecodable):
        read(before + says_47_holds_none, piece=piece)


@pytest.mark.parametrize("piece", [1, 3, BODY_PIECE_BYTES])
def test_a_frame_to_be_skipped_is_skipped(piece: int) -> None:
    skippable = bytes.fromhex("502a4d18 05000000") + b"hello"
    content = zstandard.compress(b"a") + skippable + zstandard.compress(b"b")

    assert read(content, piece=piece) == b"ab"


@pytest.mark.parametrize("piece", [1, BODY_PIECE_BYTES])
def test_a_body_cut_anywhere_is_refused(piece: int) -> None:
    for whole in (zstandard.compress(TEXT), streamed(TEXT)):
        for end in range(1, len(whole)):
            with pytest.raises(BodyUndecodable):
                read(whole[:end], piece=piece)
            with pytest.raises(BodyUndecodable):
                read(whole + whole[:end], piece=piece)


@pytest.mark.parametrize("rest", [b"\0\0\0\0\0", b"garbage", b"\x1f\x8b\x08\x00\x00"])
def test_what_follows_the_end_is_no_part_of_a_body(rest: bytes) -> None:
    with pytest.raises(BodyUndecodable):
        read(zstandard.compress(TEXT) + rest)


def test_what_is_not_compressed_is_refused_as_such() -> None:
    with pytest.raises(BodyUndecodable, match="not compressed as its Content-Encoding says"):
        read(TEXT)


def test_a_window_beyond_what_readers_must_take_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    squeeze = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    frame = squeeze.compress(bytes(1024) * 1024 * 16) + squeeze.flush()
    with pytest.raises(BodyUndecodable):
        read(frame)


@pytest.mark.parametrize("over", [0, 1])
def test_the_limit_is_exact(monkeypatch: pytest.MonkeyPatch, over: int) -> None:
    monkeypatch.setattr(inflating, "BODY_PLAIN_BYTES", LIMIT)
    content = bytes(range(250)) * (LIMIT // 250) + b"x" * over
    if over:
        with pytest.raises(BodyTooLarge, match="10,000 bytes after inflating"):
            read(zstandard.compress(content))
    else:
        assert read(zstandard.compress(content)) == content


def test_a_bomb_is_stopped_before_it_fills_the_memory() -> None:
    bomb = streamed(bytes(2 * BODY_PLAIN_BYTES))
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            read(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BODY_PLAIN_BYTES * 1.5
