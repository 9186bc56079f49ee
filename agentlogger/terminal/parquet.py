"""An export as Parquet: a folder of files, which readers take as one table. Needs pyarrow."""

from __future__ import annotations

import ctypes
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import parquet

from agentlogger.intake import times
from agentlogger.terminal.outputs import RECORD

BATCH_BYTES = 256 * 1024
"""Lines of JSON that are values of Python at once, which take ten times as much; then they are
columns of Arrow's, which take no more than their text."""

GROUP_BYTES = 4 * 1024 * 1024
"""Lines of JSON that one row group is made of: it is in memory twice while it is written."""

TRAILER = "_trailer.json"
"""A name with this beginning is no part of the table to any reader."""

TYPES = {
    "time": pa.timestamp("ns", tz="UTC"),
    "nanoseconds": pa.int64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
    "json": pa.string(),
}
"""JSON stands as text: its fields are whatever emitters send, and a column has one type."""

# Arrow's own allocators keep what was freed, a few row groups' worth.
pa.set_memory_pool(pa.system_memory_pool())

# And glibc keeps what is free between what is not.
_give_back = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)

SCHEMA = pa.schema([(name, TYPES[kind]) for name, kind in RECORD.kinds.items()])


def _read(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "json":
        return orjson.dumps(value).decode()
    if kind == "nanoseconds":
        return int(value)
    if kind == "time":
        return times.from_iso(value)
    return value


class ParquetOutput:
    """A folder: each part is a file, with a name of its own once it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = 0
        self._records = 0
        self._kept_records = 0
        self._size = 0
        self._waiting: dict[str, list[Any]] = {}
        self._waiting_bytes = 0
        self._batches: list[Any] = []
        self._group_bytes = 0
        self._clear()
        self._writer: Any = None

    def begin(self, kept: dict[str, Any]) -> None:
        """Go on behind the parts that were kept."""
        self._parts = int(kept.get("parts", 0))
        self._records = self._kept_records = int(kept.get("records", 0))
        self._folder.mkdir(exist_ok=True)
        whole = {self._name(number) for number in range(self._parts)}
        for file in self._folder.iterdir():
            if file.name not in whole and file.name.startswith(("part-", ".part-", TRAILER)):
                file.unlink()
        self._size = sum(file.stat().st_size for file in self._folder.glob("part-*"))

    def take(self, line: bytes) -> None:
        """Let a record wait for the others of its row group."""
        fields = orjson.loads(line)
        for name, kind in RECORD.kinds.items():
            self._waiting[name].append(_read(kind, fields.get(name)))
        self._records += 1
        self._waiting_bytes += len(line)
        if self._waiting_bytes >= BATCH_BYTES:
            self._make_batch()
        if self._group_bytes >= GROUP_BYTES:
            self._write()

    def keep(self) -> dict[str, Any]:
        """Close the part's file, sync it, and give it its name."""
        self._write()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            with self._unfinished.open("rb+") as file:
                os.fsync(file.fileno())
            whole = self._folder / self._name(self._parts)
            self._unfinished.rename(whole)
            self._size += whole.stat().st_size
            self._parts += 1
        self._kept_records = self._records
        return {"parts": self._parts, "records": self._records}

    def drop(self) -> None:
        """Forget the part."""
        self.close()
        self._clear()
        self._records = self._kept_records

    def finish(self, as_of: str) -> None:
        """Say beside the parts that they are all; a table without rows is one part all the same."""
        if not self._parts:
            self._write(always=True)
            self.keep()
        told = {"complete": True, "records": self._records, "parts": self._parts, "as_of": as_of}
        (self._folder / TRAILER).write_text(json.dumps({"trailer": told}) + "\n")

    def close(self) -> None:
        """Leave nothing unfinished."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            with suppress(FileNotFoundError):
                self._unfinished.unlink()

    @property
    def size(self) -> int:
        """The bytes of its parts."""
        return self._size

    @property
    def _unfinished(self) -> Path:
        return self._folder / f".{self._name(self._parts)}"

    @staticmethod
    def _name(number: int) -> str:
        return f"part-{number:06d}.parquet"

    def _make_batch(self) -> None:
        self._batches.append(pa.record_batch(self._waiting, schema=SCHEMA))
        self._group_bytes += self._waiting_bytes
        self._waiting = {name: [] for name in RECORD.names}
        self._waiting_bytes = 0

    def _write(self, *, always: bool = False) -> None:
        """Write what waits as a row group."""
        if self._waiting_bytes or (always and not self._batches):
            self._make_batch()
        if not self._batches:
            return
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._unfinished, SCHEMA, compression="zstd")
        self._writer.write_table(pa.Table.from_batches(self._batches, SCHEMA))
        self._clear()
        _give_back(0)

    def _clear(self) -> None:
        self._waiting = {name: [] for name in RECORD.names}
        self._waiting_bytes = self._group_bytes = 0
        self._batches = []
