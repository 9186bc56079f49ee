"""What every reader makes of every file of the corpus: `python -m tests.compiled.rows_read`.

A line for each, with the whole rows or the refusal, and first how this process runs. Two processes
that read alike print alike from the second line on. Folders that are named are read as well.
"""

from __future__ import annotations

import ast
import gzip
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentlogger import RUNS_AS
from agentlogger.compiled.modules import PACKAGE
from agentlogger.errors import Refusal
from agentlogger.intake import batches
from agentlogger.intake.aliases import EMITTER_KEYS
from agentlogger.intake.applied import Applied
from agentlogger.intake.readers.choosing import BY_EVENT, BY_SCOPE
from agentlogger.intake.record import Batch, Record
from agentlogger.intake.redaction.policy import Policy
from agentlogger.intake.redaction.redactor import redactor
from agentlogger.store import merging, written
from agentlogger.store.columns import JSON_COLUMNS, PLAIN_COLUMNS
from bench.records import Requests
from tests.intake.readers import corpus

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
RECEIVED = corpus.RECEIVED
APPLIED = Applied(redactor=redactor(Policy(also=frozenset({"email", "card"})), b"always the same"))
"""Marks hold a digest by a key, which else every process draws for itself."""

READERS: dict[str, Callable[[bytes, int, Applied], Batch]] = {
    "logs, protobuf": batches.from_otlp_protobuf,
    "logs, JSON": batches.from_otlp_json,
    "spans, protobuf": batches.from_otlp_protobuf_spans,
    "spans, JSON": batches.from_otlp_json_spans,
    "plain JSON": partial(batches.from_native, lines=False),
    "lines": partial(batches.from_native, lines=True),
    "Agents SDK": batches.from_agents_json,
}
VALUES = (
    None, True, 7, -1, 2**70, 0.5, 1e17, "", "true", "7", "x" * 600, "sk-ant-" + "Ab3" * 9,
    [], [1, "a", None], {}, {"id": 3, "name": "token", "value": "Ab3" * 9},
)  # fmt: skip
LONG = 4_000
NAMES = [field.name for field in fields(Record)]
VALUES = (*PLAIN_COLUMNS, *JSON_COLUMNS)


def bodies(folders: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Every file, inflated where it is gzip, every request of an emitter, and some of an agent."""
    for folder in folders:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            yield path.name, path.read_bytes()
            try:
                yield f"{path.name}, inflated", gzip.decompress(path.read_bytes())
            except (OSError, EOFError):
                continue
    for scenario in corpus.scenarios():
        for path, body in scenario.requests:
            yield f"{scenario.name} {path}", body


def names() -> list[str]:
    """Every text that stands by itself in what gives names a meaning: attributes, and more."""
    intake = PACKAGE / "intake"
    sources = [intake / "aliases.py", intake / "origin.py", *sorted((intake / "readers").glob("*"))]
    trees = [ast.parse(path.read_text()) for path in sources if path.suffix == ".py"]
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    found = {node.value for node in nodes if isinstance(node.value, str)}
    return sorted(each for each in found if each and " " not in each)


def of_any_type() -> Iterator[tuple[str, bytes]]:
    """Records whose attributes have values that nobody expects under such names.

    Each name by itself, and all at once for each event and each scope that means anything.
    """
    for value in VALUES:
        yield f"each {value!r}", lines({"attributes": {name: value}} for name in names())
        every = dict.fromkeys(names(), value)
        events = (
            {"event_name": event, "scope": {"name": scope}, "attributes": every | own}
            for event in [None, *filter(None, BY_EVENT)]
            for scope in ["", *BY_SCOPE, *EMITTER_KEYS]
            for own in ({}, {"event.name": event})
        )
        yield f"all {value!r}", lines(events)


def lines(records: Iterable[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def told(read: Callable[[bytes, int, Applied], Batch], body: bytes) -> str:
    """What becomes of a body: its rows with all that they hold, or why it was refused."""
    try:
        batch = read(body, RECEIVED, APPLIED)
    except Refusal as refusal:
        return f"{refusal.code}: {refusal}"
    rows = [tuple(getattr(record, name) for name in NAMES) for record in batch.records]
    reports = [
        merging.report_of(record, record.ts_ns, 1) for record in batch.records if record.call
    ]
    # What a value's type decides, such as that of a large double, shows in what is stored.
    given = [record.values() for record in batch.records]
    stored = [write(VALUES, given, len(JSON_COLUMNS)) for write in (written.lines, written.texts)]
    all_of_it = repr((rows, reports, stored, batch.positions, batch.rejections, batch.adjusted))
    # Which line differs is what a reader wants to know, and not of 80 MB how.
    return all_of_it if len(all_of_it) < LONG else sha256(all_of_it.encode()).hexdigest()


def main() -> None:
    """Print."""
    print(RUNS_AS)
    folders = [CORPUS, *map(Path, sys.argv[1:])]
    for name, body in bodies(folders):
        for reader, read in READERS.items():
            print(f"{name}, {reader}: {told(read, body)}")
    for name, body in of_any_type():
        print(f"{name}: {told(READERS['lines'], body)}")
    requests = Requests(32, seed=1)
    # Without the client's times: they are of now.
    print(f"an agent: {told(batches.from_otlp_protobuf, bytes(requests._body))}")


if __name__ == "__main__":
    main()
