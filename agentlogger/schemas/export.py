"""Lists as lines: a record a line, as JSON or CSV, and a trailer that proves completeness.

A line has the same fields as an item of the list's pages, and as a record alone. Neither lines nor
pages of records are written by marshmallow, which takes ten times as long; the fields are read from
the same schema, and a test compares the two.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

import orjson
from marshmallow import Schema, fields

from agentlogger.intake import times
from agentlogger.schemas.moments import Digits, Iso

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  (these are meant)
"""With one of these at its beginning a spreadsheet takes a text for a formula, and may run it: see
"CSV Injection" at OWASP. Such a text gets an apostrophe before it."""

TRAILER = "trailer"
"""The one key of the last line of NDJSON. No record has it: a record's fields are the schema's."""

CSV_TRAILER = "#trailer"
"""How the first cell of the last line of CSV begins; no id does."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Trailer:
    """What the last line says of those before it."""

    complete: bool
    """Whether all that was asked for is there."""
    records: int
    sha256: str
    """Of every byte before this line."""
    as_of: str
    next_cursor: str | None = None
    """Where to go on: behind a `limit`, or behind what was sent before a fault."""
    problem: Mapping[str, Any] | None = None
    """Why it ends early."""
    hints: Sequence[str] = ()
    """What of the query was searched for as text, and what was meant."""


class Lines(Protocol):
    """How one format writes rows."""

    media_type: str

    def head(self) -> bytes:
        """What comes before the first row."""

    def line(self, row: Row) -> bytes:
        """A row."""

    def fields(self, given: Row) -> bytes:
        """A row's fields, as `Shape.of` gives them."""

    def trailer(self, trailer: Trailer) -> bytes:
        """The last line."""


KINDS: dict[type[fields.Field[Any]], str] = {
    Iso: "time",
    Digits: "nanoseconds",
    fields.Integer: "integer",
    fields.Boolean: "boolean",
    fields.String: "text",
}
"""The first that fits: the first two are texts as well."""


class Shape:
    """The fields of a schema, as they are read from a row."""

    def __init__(self, schema: type[Schema]) -> None:
        shown = {
            field.data_key or name: (name, field) for name, field in schema().dump_fields.items()
        }
        self.names = list(shown)
        # One look for all columns: a function for each field took as long as all the rest.
        self._columns = itemgetter(*(_column(name, field) for name, field in shown.values()))
        self._written = [
            (name, write)
            for name, (_, field) in shown.items()
            if (write := _writer(field)) is not None
        ]
        self.kinds = {name: _kind(field) for name, (_, field) in shown.items()}
        """What a field holds: time, nanoseconds, integer, boolean, text, or any JSON."""

    def of(self, row: Row) -> dict[str, Any]:
        """The fields of a row."""
        found = dict(zip(self.names, self._columns(row), strict=True))
        for name, write in self._written:
            if found[name] is not None:
                found[name] = write(found[name])
        return found


def _column(name: str, field: Any) -> str:
    """The column that a field is read from."""
    return str(field.source if isinstance(field, Iso) else field.attribute or name)


def _writer(field: Any) -> Callable[[Any], Any] | None:
    """What makes a field of its column; None where it is the column as it is."""
    if isinstance(field, Iso):
        return times.to_iso
    if isinstance(field, Digits):
        return str
    if isinstance(field, fields.List) and isinstance(field.inner, fields.Nested):
        nested = field.inner.schema
        return lambda rows: nested.dump(rows, many=True)
    return None


def _kind(field: Any) -> str:
    return next((kind for known, kind in KINDS.items() if isinstance(field, known)), "json")


def page(shape: Shape, rows: Sequence[Row], **told: Any) -> bytes:
    """A page of a list as JSON: its rows as `items`, and what else is told."""
    return orjson.dumps({"items": [shape.of(row) for row in rows], **told})


class JsonLines:
    """NDJSON: an object a line."""

    media_type = "application/x-ndjson"

    def __init__(self, shape: Shape) -> None:
        self._shape = shape

    def head(self) -> bytes:
        """Nothing: each line names its fields."""
        return b""

    def line(self, row: Row) -> bytes:
        """A row as an object."""
        return self.fields(self._shape.of(row))

    def fields(self, given: Row) -> bytes:
        """Its fields as an object."""
        return orjson.dumps(given, option=orjson.OPT_APPEND_NEWLINE)

    def trailer(self, trailer: Trailer) -> bytes:
        """An object with the one key `trailer`."""
        return orjson.dumps({TRAILER: vars(trailer)}, option=orjson.OPT_APPEND_NEWLINE)


class Csv:
    """CSV (RFC 4180) for spreadsheets: what is no text is written as JSON, and null is empty.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, so what is to
    be read back exactly is better written as NDJSON.
    """

    media_type = "text/csv; charset=utf-8; header=present"

    def __init__(self, shape: Shape) -> None:
        self._shape = shape

    def head(self) -> bytes:
        """The names of the columns."""
        return self._row(self._shape.names)

    def line(self, row: Row) -> bytes:
        """A row as cells."""
        return self.fields(self._shape.of(row))

    def fields(self, given: Row) -> bytes:
        """Its fields as cells, under the columns of their names."""
        return self._row([_cell(given.get(name)) for name in self._shape.names])

    def trailer(self, trailer: Trailer) -> bytes:
        """One cell; the others are empty, so that the line is as wide as each."""
        return self._row(csv_trailer(vars(trailer), len(self._shape.names)))

    @staticmethod
    def _row(cells: list[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerow(cells)
        return text.getvalue().encode()


def csv_trailer(told: Mapping[str, Any], width: int) -> list[str]:
    """The cells of the last line of CSV of so many columns: all but the first are empty."""
    known = {name: value for name, value in told.items() if value not in (None, [], ())}
    words = " ".join(f"{name}={_cell(value)}" for name, value in known.items())
    return [f"{CSV_TRAILER} {words}", *[""] * (width - 1)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return orjson.dumps(value).decode()


FORMATS: dict[str, Callable[[Shape], Lines]] = {"ndjson": JsonLines, "csv": Csv}
"""By the names that `format` takes."""


class Tally:
    """Counts the rows that were written, and digests every byte before the trailer."""

    def __init__(self) -> None:
        self.records = 0
        self._digest = hashlib.sha256()

    def add(self, content: bytes, records: int = 0) -> bytes:
        """Count what is about to be written; return it."""
        self._digest.update(content)
        self.records += records
        return content

    def copy(self) -> Tally:
        """The same, counting on by itself."""
        copied = Tally()
        copied.records, copied._digest = self.records, self._digest.copy()
        return copied

    def proof(self, *, complete: bool) -> dict[str, Any]:
        """What a last line says of those before it, at least."""
        return {
            "complete": complete,
            "records": self.records,
            "sha256": self._digest.hexdigest(),
        }

    def trailer(self, *, complete: bool, **told: Any) -> Trailer:
        """What is to be said at the end."""
        return Trailer(**self.proof(complete=complete), **told)
