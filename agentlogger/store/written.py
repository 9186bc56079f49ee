"""Rows written out, one by one: machine code writes each, and others have their turn between two.

A large body has tens of thousands of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlogger.store.copy_text import Lines
from agentlogger.store.json_text import Texts


def texts(rows: Sequence[tuple[Any, ...]], json: int) -> list[tuple[Any, ...]]:
    """The rows with JSON text in place of the last `json` values of each."""
    if not json or not rows:
        return list(rows)
    plain, text = len(rows[0]) - json, Texts()
    return [text.row(row, plain) for row in rows]


def lines(rows: Sequence[tuple[Any, ...]], json: int) -> list[bytes]:
    """The rows as lines of COPY's text, without their ends; the last `json` values are JSON."""
    if not rows:
        return []
    plain, text = len(rows[0]) - json, Lines()
    return [text.line(row, plain) for row in rows]
