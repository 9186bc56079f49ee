"""JSON Lines: one object a line, in the shape that plain JSON is sent in. Each is sent as it is."""

from __future__ import annotations

from collections.abc import Iterator

from agentlogger.intake.files.identities import EqualLines
from agentlogger.intake.files.opening import Line
from agentlogger.intake.files.parts import NATIVE, Part, Refused, objects


def read(lines: Iterator[Line]) -> Iterator[Part | Refused]:
    """The records of a file. One without an `id` is given one, so that it is stored once."""
    equal = EqualLines()
    for found in objects(lines):
        if isinstance(found, Refused):
            yield found
            continue
        line, fields = found
        content = line.content.strip().removeprefix(b"\xef\xbb\xbf")
        given = fields.get("id")
        if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
            # At the end, since of equal keys the last one wins; the rest is not written anew, so
            # that no number or key of it changes.
            comma = b"," if fields else b""
            content = content[:-1] + comma + f'"id":"{equal.name(content)}"}}'.encode()
        yield Part(NATIVE, content, line.number)
