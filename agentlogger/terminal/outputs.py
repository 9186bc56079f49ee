"""What an export is written to: a file that grows by parts, standard output, a folder of Parquet.

Each part is written whole and synced before the place beside it says so; what a kill leaves behind
the last one is cut off by the next run.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Protocol

import orjson
import zstandard

from agentlogger.intake.files import opening
from agentlogger.schemas.export import FORMATS, Lines, Shape, Tally
from agentlogger.schemas.logs import LogRecordSchema

RECORD = Shape(LogRecordSchema)

SPOOLED_BYTES = 8 * 1024 * 1024
"""So much of a part for standard output waits in memory; a larger one waits on disk."""

READ_BYTES = 1024 * 1024

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""How a file is compressed, by the end of its name."""

SUFFIXES = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson", ".csv": "csv",
            ".parquet": "parquet"}  # fmt: skip
"""Which format a file is in, by the rest of its name."""


class Output(Protocol):
    """Where lines of records go."""

    def begin(self, kept: dict[str, Any]) -> None:
        """Open it where it was kept last; what is behind that goes."""

    def take(self, line: bytes) -> None:
        """One record, as a line of JSON."""

    def keep(self) -> dict[str, Any]:
        """Bring everything taken to the disk; return what `begin` needs to go on from here."""

    def drop(self) -> None:
        """Forget what was taken since it was kept."""

    def finish(self, as_of: str) -> None:
        """Write the trailer. Everything is there."""

    def close(self) -> None:
        """Let go of it."""

    @property
    def size(self) -> int:
        """The bytes that were written."""


def format_of(name: str) -> tuple[str, str]:
    """The format and compression of an output of this name; "" for what its name does not say."""
    path = Path(name)
    compression = COMPRESSIONS.get(path.suffix, "")
    if compression:
        path = path.with_suffix("")
    return SUFFIXES.get(path.suffix, ""), compression


class _Text:
    """Lines of records as the lines of a text format, counted and digested."""

    def __init__(self, form: str) -> None:
        self._lines: Lines = FORMATS[form](RECORD)
        self._is_json = form == "ndjson"
        self._kept = Tally()
        self.tally = Tally()

    def head(self) -> bytes:
        return self.tally.add(self._lines.head())

    def line(self, line: bytes) -> bytes:
        return self.tally.add(line if self._is_json else self._lines.fields(orjson.loads(line)), 1)

    def trailer(self, as_of: str) -> bytes:
        return self._lines.trailer(self.tally.trailer(complete=True, as_of=as_of))

    def keep(self) -> None:
        self._kept = self.tally.copy()

    def drop(self) -> None:
        self.tally = self._kept.copy()


class FileOutput:
    """A file, perhaps compressed: each part is a member of its own, which readers take as one."""

    def __init__(self, path: Path, form: str, compression: str) -> None:
        self._path = path
        self._compression = compression
        self._text = _Text(form)
        self._length = 0
        self._file: BinaryIO | None = None
        self._member: Any = None

    def begin(self, kept: dict[str, Any]) -> None:
        """Open the file, cut to the length that was kept, and digest what is in it."""
        self._length = int(kept.get("length", 0))
        self._file = self._path.open("r+b" if self._length else "wb")
        self._file.truncate(self._length)
        if not self._length:
            self._write(self._text.head())
            return
        self._file.seek(0)
        for piece in _content(self._file):
            self._text.tally.add(piece)
        self._text.tally.records = int(kept["records"])
        self._text.keep()
        self._file.seek(self._length)

    def take(self, line: bytes) -> None:
        """Write a record behind the others."""
        self._write(self._text.line(line))

    def keep(self) -> dict[str, Any]:
        """End the part, and sync it."""
        self._end_member()
        self._open.flush()
        os.fsync(self._open.fileno())
        self._length = self._open.tell()
        self._text.keep()
        return {"length": self._length, "records": self._text.tally.records}

    def drop(self) -> None:
        """Cut off what was written since the last part."""
        self._end_member()
        self._open.flush()
        self._open.truncate(self._length)
        self._open.seek(self._length)
        self._text.drop()
        if not self._length:
            self._write(self._text.head())

    def finish(self, as_of: str) -> None:
        """Write the trailer as a part of its own."""
        self._write(self._text.trailer(as_of))
        self.keep()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    @property
    def size(self) -> int:
        """The length of its parts."""
        return self._length

    @property
    def _open(self) -> BinaryIO:
        assert self._file is not None  # noqa: S101  (begin opens it)
        return self._file

    def _write(self, content: bytes) -> None:
        if self._member is None:
            self._member = self._new_member()
        self._member.write(content)

    def _new_member(self) -> Any:
        if self._compression == "gzip":
            # Without a time and a name in it, equal records make an equal file.
            return gzip.GzipFile("", "wb", fileobj=self._open, mtime=0)
        if self._compression == "zstd":
            return zstandard.ZstdCompressor().stream_writer(self._open, closefd=False)
        return self._open

    def _end_member(self) -> None:
        if self._member is not None and self._member is not self._open:
            self._member.close()
        self._member = None


def _content(file: BinaryIO) -> Iterator[bytes]:
    """What an open file holds, inflated."""
    _, content = opening.opened(file)
    while piece := content.read(READ_BYTES):
        yield piece


class PipeOutput:
    """Standard output: a part is passed on once it is known to be whole, as it cannot be undone."""

    def __init__(self, form: str, pipe: BinaryIO) -> None:
        self._text = _Text(form)
        self._pipe = pipe
        self._size = 0
        self._part = self._new_part()

    def begin(self, kept: dict[str, Any]) -> None:
        """Write the head; nothing was kept."""
        del kept
        self._part.write(self._text.head())

    def take(self, line: bytes) -> None:
        """Let a record wait for the others of its part."""
        self._part.write(self._text.line(line))

    def keep(self) -> dict[str, Any]:
        """Pass the part on."""
        self._size += self._part.tell()
        self._part.seek(0)
        shutil.copyfileobj(self._part, self._pipe)
        self._pipe.flush()
        self._part.close()
        self._part = self._new_part()
        self._text.keep()
        return {}

    def drop(self) -> None:
        """Forget the part; the head is in the first one."""
        self._part.close()
        self._part = self._new_part()
        self._text.drop()
        if not self._size:
            self._part.write(self._text.head())

    def finish(self, as_of: str) -> None:
        """Pass the trailer on."""
        self._part.write(self._text.trailer(as_of))
        self.keep()

    def close(self) -> None:
        """Let go of the part; the pipe is the shell's."""
        self._part.close()

    @property
    def size(self) -> int:
        """The bytes that were passed on."""
        return self._size

    @staticmethod
    def _new_part() -> SpooledTemporaryFile[bytes]:
        return SpooledTemporaryFile(SPOOLED_BYTES)
