"""Records for other programs: a JSON object a line, or CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agentlogger.intake.severity import band_name
from agentlogger.schemas.export import Tally, csv_trailer
from agentlogger.showing.characters import HOSTILE, visible
from agentlogger.showing.lines import Record, text_of

COLUMNS = (
    "time", "level", "agent", "event", "kind", "tool", "model", "provider", "ok", "duration_ns",
    "tokens_in", "tokens_out", "tokens_cache_read", "cost_micro_usd", "error_type",
    "error_message", "session_id", "prompt_id", "run_id", "trace_id", "user_id", "text", "id",
)  # fmt: skip
"""The columns of records as CSV; `level` and `text` are what a line shows."""

FORMULA = re.compile("[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet takes for the beginning of a formula, the full-width signs among it."""


def json_line(value: Any) -> str:
    r"""JSON on one line, the same value for every reader.

    What a terminal would obey is written as `\u....`, which is the same text in JSON.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return HOSTILE.sub(lambda match: json.dumps(match[0])[1:-1], text)


def csv_of(record: Record) -> Mapping[str, Any]:
    """A record's values for COLUMNS."""
    return {
        **record,
        "level": band_name(record["severity_number"]),
        "text": text_of(record),
    }


def csv_lines(
    columns: Sequence[str], rows: Iterable[Mapping[str, Any]], **told: Any
) -> Iterable[str]:
    """CSV (RFC 4180) with a heading, a row at a time, and a trailer, as the API's streams have it.

    The trailer proves that the rows are all that were asked for; `told` is what else it says, such
    as where to go on. Control characters are written out as on a terminal, and a text that a
    spreadsheet would run as a formula has an apostrophe in front: what must be exact is taken as
    JSON.
    """
    tally = Tally()
    yield _tallied(tally, columns)
    for row in rows:
        yield _tallied(tally, [_cell(row.get(name)) for name in columns], records=1)
    yield _row(csv_trailer(tally.proof(complete=True) | told, len(columns)))


def _tallied(tally: Tally, cells: Sequence[str], *, records: int = 0) -> str:
    line = _row(cells)
    tally.add(f"{line}\n".encode(), records)
    return line


def _row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().removesuffix("\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value) if isinstance(value, int | float) else json_line(value)
    text = "\n".join(map(visible, value.split("\n")))
    return f"'{text}" if FORMULA.match(text) else text
