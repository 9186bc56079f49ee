"""What is hostile by its size is made here, sent and read back, on both databases if it is kept."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from agentlogger.limits import (
    ATTRIBUTES,
    BODY_PLAIN_BYTES,
    BODY_WIRE_BYTES,
    DEPTH,
    TEXT_COLUMN_CHARACTERS,
)
from tests.intake.exports import Map, json_text, one, protobuf
from tests.otlp.exchange import JSON, PROTOBUF, chunked_body, partial_success, stored

NATIVE = "/api/v1/logs"
OTLP = "/v1/logs"
MEBIBYTE = 1024 * 1024

ON_ONE = pytest.mark.parametrize("standing_app", ["sqlite"], indirect=True)
"""What is refused before a database hears of it, or is nothing but spaces, is sent to one only."""


class Spaces:
    """A body that ends in spaces, which is never in memory as a whole."""

    def __init__(self, beginning: bytes, size: int) -> None:
        self.beginning = io.BytesIO(beginning)
        self.left = size - len(beginning)

    def read(self, size: int, /) -> bytes:
        found = self.beginning.read(size)
        if not found:
            found = b" " * min(size, self.left)
            self.left -= len(found)
        return found


def post(client: FlaskClient, door: str, body: Any, content_type: str, **more: str) -> TestResponse:
    if isinstance(body, bytes):
        return client.post(door, data=body, content_type=content_type, headers=more)
    environ = chunked_body(body)
    return client.post(door, content_type=content_type, headers=more, environ_overrides=environ)


@cache
def bomb(size: int, wbits: int) -> bytes:
    """So many zeros, compressed about a thousandfold."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, wbits)
    zeros = bytes(MEBIBYTE)
    pieces = [squeeze.compress(zeros) for _ in range(size // MEBIBYTE)]
    return b"".join([*pieces, squeeze.compress(zeros[: size % MEBIBYTE]), squeeze.flush()])


def nested(levels: int, kind: Callable[[Any], Any]) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = kind(value)
    return value


def bottom(value: Any) -> tuple[Any, int]:
    levels = 0
    while isinstance(value, list | dict):
        value = value[0] if isinstance(value, list) else value["k"]
        levels += 1
    return value, levels


def whole(client: FlaskClient) -> dict[str, Any]:
    """The only record, by itself: a list shows the beginning of a large body."""
    (item,) = stored(client)
    assert item["truncated"]["body"] > len(item["body"])
    alone: dict[str, Any] = client.get(f"{NATIVE}/{item['id']}").get_json()
    return alone


def read_again(client: FlaskClient, item: dict[str, Any]) -> None:
    """The record can be read alone and on its page."""
    assert client.get(f"{NATIVE}/{item['id']}").get_json()["id"] == item["id"]
    assert client.get(f"/r/{item['id']}").status_code == 200


@ON_ONE
@pytest.mark.parametrize("wbits", [31, 15, -15], ids=["gzip", "zlib", "raw deflate"])
@pytest.mark.parametrize(("door", "content_type"), [(NATIVE, JSON), (OTLP, JSON), (OTLP, PROTOBUF)])
def test_a_bomb_is_a_413(client: FlaskClient, door: str, content_type: str, wbits: int) -> None:
    body = bomb(80 * MEBIBYTE, wbits)
    assert len(body) < 100_000
    response = post(client, door, body, content_type, **{"Content-Encoding": "deflate"})
    assert response.status_code == 413
    assert stored(client) == []


@ON_ONE
def test_a_bomb_in_a_bomb_is_only_a_body_that_makes_no_sense(client: FlaskClient) -> None:
    body = gzip.compress(bomb(80 * MEBIBYTE, 31), mtime=0)
    response = post(client, OTLP, body, PROTOBUF, **{"Content-Encoding": "gzip"})
    assert response.status_code == 400


@ON_ONE
@pytest.mark.parametrize("squeezed", [False, True], ids=["on the wire", "inflated"])
def test_the_limit_of_a_body_is_exact(client: FlaskClient, *, squeezed: bool) -> None:
    assert BODY_WIRE_BYTES == BODY_PLAIN_BYTES
    for size, status in ((BODY_WIRE_BYTES, 200), (BODY_WIRE_BYTES + 1, 413)):
        stream = Spaces(b'{"message":"at the limit"}', size)
        if squeezed:
            whole = gzip.compress(stream.read(26) + stream.read(size), compresslevel=1)
            response = post(client, NATIVE, whole, JSON, **{"Content-Encoding": "gzip"})
        else:
            response = post(client, NATIVE, stream, JSON)
        assert response.status_code == status
    assert [item["body"] for item in stored(client)] == ["at the limit"]


@pytest.mark.parametrize("levels", [33, 49, DEPTH, DEPTH + 1, 70])
@pytest.mark.parametrize(
    "kind", [lambda value: [value], lambda value: Map([("k", value)])], ids=["lists", "maps"]
)
@pytest.mark.parametrize(
    ("content_type", "write"), [(PROTOBUF, protobuf), (JSON, json_text)], ids=["protobuf", "json"]
)
def test_a_deep_value_is_cut_and_can_be_read(
    client: FlaskClient,
    levels: int,
    kind: Callable[[Any], Any],
    content_type: str,
    write: Callable[..., bytes],
) -> None:
    response = post(client, OTLP, write(one(body=nested(levels, kind))), content_type)
    partial = partial_success(response)
    (item,) = stored(client)
    if levels <= DEPTH:
        assert (partial, bottom(item["body"])) == (None, ("bottom", levels))
    else:
        assert partial == (0, "what lies deeper than 64 levels becomes null (1 times)")
        assert bottom(item["body"]) == (None, DEPTH)
    read_again(client, item)


@pytest.mark.parametrize("door", [NATIVE, OTLP])
@pytest.mark.parametrize("levels", [1_000, 5_000, 9_000])
def test_json_deeper_than_a_reader_goes_is_cut_and_stored(
    client: FlaskClient, door: str, levels: int
) -> None:
    deep = "[" * levels + "]" * levels
    record = f'{{"attributes":{{"deep":{deep},"beside":1}}}}'
    export = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}'
    body = record if door == NATIVE else export
    assert post(client, door, body.encode(), JSON).status_code == 200
    (item,) = stored(client)
    assert item["attributes"]["beside"] == 1
    assert set(item["adjustments"]) == {"depth.cut"}
    read_again(client, item)


@ON_ONE
@pytest.mark.parametrize("door", [NATIVE, OTLP])
@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 50_000 + b"]" * 50_000],
    ids=["open lists", "open objects", "lists"],
)
def test_json_that_is_nothing_but_depth_is_a_400(
    client: FlaskClient, door: str, body: bytes
) -> None:
    assert post(client, door, body, JSON).status_code == 400
    assert stored(client) == []


@pytest.mark.parametrize("door", [NATIVE, OTLP])
def test_a_thousand_attributes_are_kept_and_the_rest_is_counted(
    client: FlaskClient, door: str
) -> None:
    for count in (ATTRIBUTES, ATTRIBUTES + 1, 20_000):
        given = {f"key {index}": index for index in range(count)}
        if door == NATIVE:
            response = post(client, door, json.dumps({"attributes": given}).encode(), JSON)
        else:
            body = protobuf(one(attributes=Map(given.items())))
            response = post(client, door, body, PROTOBUF)
        assert response.status_code == 200
        item = stored(client)[0]
        assert item["attributes"] == dict(list(given.items())[:ATTRIBUTES])
        left_out = {"attributes.cut": {"count": count - ATTRIBUTES}}
        assert item["adjustments"] == (left_out if count > ATTRIBUTES else None)
    read_again(client, item)


@pytest.mark.parametrize("door", [NATIVE, OTLP])
def test_a_map_of_many_keys_is_kept_whole(client: FlaskClient, door: str) -> None:
    given = {f"k{index}": None for index in range(20_000)}
    if door == NATIVE:
        response = post(client, door, json.dumps({"body": given}).encode(), JSON)
    else:
        response = post(client, door, protobuf(one(body=Map(given.items()))), PROTOBUF)
    assert response.status_code == 200
    assert whole(client)["body"] == given


def test_integers_of_any_length_are_kept_digit_by_digit(client: FlaskClient) -> None:
    digits = {length: "7" * length for length in (19, 20, 21, 4_300, 4_301, 5_000, 100_000)}
    body = ",".join(f'"{length}":{text}' for length, text in digits.items())
    response = post(client, NATIVE, f'{{"attributes":{{{body}}}}}'.encode(), JSON)
    assert response.get_json()["adjusted"] == {"number.range": 6}
    (item,) = stored(client)
    expected = {str(length): text for length, text in digits.items()} | {"19": int("7" * 19)}
    assert item["attributes"] == expected
    read_again(client, item)


@pytest.mark.parametrize("character", ["x", "é", "\U0001f600"])
def test_a_column_is_cut_and_the_attribute_is_whole(client: FlaskClient, character: str) -> None:
    for length in (TEXT_COLUMN_CHARACTERS, TEXT_COLUMN_CHARACTERS + 1, 100_000):
        session = character * length
        response = post(client, NATIVE, json.dumps({"session_id": session}).encode(), JSON)
        cut = {"text.cut": 1} if length > TEXT_COLUMN_CHARACTERS else {}
        assert response.get_json()["adjusted"] == cut
        item = stored(client)[0]
        assert item["session_id"] == session[:TEXT_COLUMN_CHARACTERS]
        assert item["attributes"] == {"session.id": session}
    found = client.get(f"{NATIVE}?session={character * TEXT_COLUMN_CHARACTERS}")
    assert len(found.get_json()["items"]) == 3


def test_a_text_of_megabytes_is_kept_whole(client: FlaskClient) -> None:
    text = "naïve \U0001f600 \\N\t\n" * 200_000
    assert post(client, OTLP, protobuf(one(body=text)), PROTOBUF).status_code == 200
    item = whole(client)
    assert item["body"] == text
    read_again(client, item)


def test_the_same_key_ten_thousand_times_is_one(client: FlaskClient) -> None:
    pairs = Map(("a", index) for index in range(10_000))
    partial = partial_success(post(client, OTLP, protobuf(one(attributes=pairs)), PROTOBUF))
    assert partial == (0, "of equal keys the last one wins (9999 times)")
    (item,) = stored(client)
    assert item["attributes"] == {"a": 9_999}
