"""All records that are asked for, a verified chunk after the other, from a server or a database.

A chunk is a stream of the API's list, oldest first, of at most so many records. Its lines are taken
as they come; only its trailer says that they are all, and the same that were sent. Whoever takes
them keeps nothing for good before that.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from agentlogger.schemas.moments import parse_moment
from agentlogger.showing.characters import one_line
from agentlogger.terminal.console import note
from agentlogger.terminal.sources import PAUSES_SECONDS, Refused, Source

LIST = "/api/v1/logs"
NDJSON = "application/x-ndjson"
TRAILER = b'{"trailer":'

RECORDS = 10_000
"""Records of a chunk: what is done again, at most, after a kill or a connection that broke."""


class Stopped(click.ClickException):
    """It cannot go on; what was kept stays."""


@dataclass
class Place:
    """How far a walk has come: all that it takes to go on, written down as JSON."""

    source: str
    """The name of the server or database."""
    asked: dict[str, str]
    """Which records, as the API's parameters; times are absolute, so that none moves on."""
    as_of: str | None = None
    cursor: str | None = None
    records: int = 0
    done: bool = False
    others: dict[str, Any] = field(default_factory=dict)
    """What the one who takes the lines keeps beside it."""

    @classmethod
    def read(cls, path: Path) -> Place | None:
        """The place that is written down there; None where none is. Raises Stopped."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as fault:
            raise Stopped(f"{path} cannot be read ({fault}): remove it to begin again.") from None

    def write(self, path: Path) -> None:
        """Write the place down, such that a kill leaves this one or the one before."""
        beside = path.with_name(f"{path.name}.new")
        with beside.open("w") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)


def asked_for(query: Sequence[str], since: str | None, until: str | None) -> dict[str, str]:
    """The API's parameters for what somebody typed; relative times are taken from now on."""
    given = {"q": " ".join(query), "from": _absolute(since), "to": _absolute(until)}
    return {name: text for name, text in given.items() if text}


def _absolute(text: str | None) -> str:
    moment = None if text is None else parse_moment(text)
    return "" if moment is None else str(moment)


def begin(source: Source, place: Place) -> int | None:
    """Check what is asked, and tell what of it was searched for as text.

    Returns the time of the oldest record that is asked for, None where there is none. Raises
    Refused.
    """
    page = source.get(LIST, {**place.asked, "order": "asc", "limit": 1, "as_of": place.as_of})
    for hint in page.get("hints", ()):
        note(f"Note: {one_line(hint)}")
    first = next(iter(page["items"]), None)
    return None if first is None else int(first["ts_ns"])


def walk(
    source: Source,
    place: Place,
    *,
    take: Callable[[bytes], None],
    keep: Callable[[], None],
    drop: Callable[[], None],
    most: int = RECORDS,
) -> Iterator[int]:
    """Give every record's line to `take`; after each chunk, call `keep` and yield its records.

    `place` has moved on when `keep` is called. What was taken of a chunk that broke off is told to
    `drop`, and comes again. Raises Stopped, Refused, and what these three raise.
    """
    pauses = iter(PAUSES_SECONDS)
    while not place.done:
        why = ""
        try:
            trailer = _chunk(source, place, take, most)
        except Refused as refused:
            if not refused.is_passing:
                raise
            trailer, why = None, str(refused)
        if trailer is None:
            drop()
            _wait(pauses, source, why or "the answer was cut off")
            continue
        place.as_of = trailer["as_of"]
        place.cursor = trailer["next_cursor"] or place.cursor
        place.records += trailer["records"]
        place.done = trailer["complete"] and trailer["next_cursor"] is None
        keep()
        if trailer["complete"]:
            pauses = iter(PAUSES_SECONDS)
            yield trailer["records"]
        else:
            _wait(pauses, source, trailer["problem"]["detail"])


def _chunk(
    source: Source, place: Place, take: Callable[[bytes], None], most: int
) -> Mapping[str, Any] | None:
    """Take the lines of the next chunk; return its trailer, or None where it was cut off."""
    asked: dict[str, Any] = {
        **place.asked,
        "order": "asc",
        "format": "ndjson",
        "limit": most,
        "as_of": place.as_of,
        "cursor": place.cursor,
    }
    digest = hashlib.sha256()
    records = 0
    with source.lines(LIST, asked, NDJSON) as lines:
        for line in lines:
            if line.startswith(TRAILER):
                return _checked(line, records, digest.hexdigest(), source)
            if not line.endswith(b"\n"):
                break
            digest.update(line)
            records += 1
            take(line)
    return None


def _checked(line: bytes, records: int, digest: str, source: Source) -> Mapping[str, Any] | None:
    """The trailer, where it is whole. Raises Stopped where it tells of other lines than came."""
    try:
        trailer: Mapping[str, Any] = json.loads(line)["trailer"]
    except ValueError:
        return None
    if (trailer["records"], trailer["sha256"]) != (records, digest):
        raise Stopped(
            f"{source.name} says that it sent {trailer['records']:,} records, and {records:,} came "
            "or others: something between changes what it answers."
        )
    return trailer


def _wait(pauses: Iterator[float], source: Source, why: str) -> None:
    pause = next(pauses, None)
    if pause is None:
        raise Stopped(f"{source.name}: {why}")
    time.sleep(pause)
