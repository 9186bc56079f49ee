"""What these tests share."""

from __future__ import annotations

from tests.terminal.reading import at_a_server, reader

__all__ = ["at_a_server", "reader"]
