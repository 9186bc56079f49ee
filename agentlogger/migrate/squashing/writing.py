"""The file of a base, as people read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agentlogger.migrate.revisions.declared import LOSES_DATA
from agentlogger.migrate.squashing.pieces import BACKENDS, Piece
from agentlogger.migrate.squashing.replaced import Choice
from agentlogger.migrate.squashing.rows import MARK

FILE = '''\
"""{message}

Revision ID: {revision}
Revises:
Create Date: {date}

Stands for {count} revisions, {first} to {last}, and makes what they made:
both were compared, on PostgreSQL and on SQLite, when this was written. Down drops everything.
"""

{imports}

revision = {named}
down_revision = None
branch_labels = {labels}
depends_on = None
phase = "expand"
reversible = {reversible}
release = {release}
# A database that is at the heads of these stands here; one in the middle of them goes on with the
# release that brought the last.
replaces = {replaces}
replaced_heads = {heads}
replaced_release = {older}{backfills}
# Digests of what follows, before and since: its down_revision was changed, and nothing else of it.
rewritten = {{
{rewritten}
}}


def upgrade():
{up}


def downgrade():
{down}
'''

BIND = re.compile(r"(?<![:\w\\]):(?=\w+(?![:\w]))")
"""Where SQLAlchemy's text would see a parameter."""

INDENT = "    "

WIDTH = 80
"""How much of a statement a line holds, within a file of lines of a hundred."""


Told = tuple[str | None, list[str]]
"""Lines of code, and the one database that they are for."""


@dataclass(frozen=True)
class Head:
    """What stands in the file beside its pieces. `labels` are those of the replaced."""

    revision: str
    message: str
    date: datetime
    program: str
    labels: tuple[str, ...]
    rewritten: Mapping[str, tuple[str, str]]
    backfills: tuple[str, ...]
    """The names of those that the replaced revisions register: a later one may need them."""
    file: str
    """Its path, relative to the folder."""
    follower: str
    """The text of the revision that follows it."""


def written(head: Head, choice: Choice, pieces: Sequence[Piece]) -> str:
    """The text of the file."""
    up = list(_upgrade(pieces))
    down = list(_downgrade(pieces))
    body = "\n".join([*up, *down])
    imports = ["import sqlalchemy as sa", "from alembic import op"]
    if "postgresql." in body:
        imports.append("from sqlalchemy.dialects import postgresql")
    if "{time.time" in body or "{int(time.time" in body:
        imports = ["import time", "", *imports]
    return FILE.format(
        message=head.message.replace("\\", "/").replace('"', "'"),
        revision=head.revision,
        named=_name(head.revision),
        date=head.date.isoformat(sep=" ", timespec="seconds"),
        count=len(choice.replaced),
        first=choice.replaced[0].revision,
        last=choice.replaced[-1].revision,
        imports="\n".join(imports),
        labels=_names(head.labels) if head.labels else None,
        reversible=_name(LOSES_DATA),
        release=_name(head.program),
        replaces="\n".join(["(", *_replaced(choice), ")"]),
        heads=_names(choice.heads),
        older=_name(choice.release) if choice.release else None,
        backfills=(f"\nreplaced_backfills = {_names(head.backfills)}" if head.backfills else ""),
        rewritten="\n".join(
            f"    {_name(name)}: (\n        {_name(before)},\n        {_name(after)},\n    ),"
            for name, (before, after) in head.rewritten.items()
        ),
        up="\n".join(INDENT + line if line else "" for line in up) or "    pass",
        down="\n".join(INDENT + line if line else "" for line in down) or "    pass",
    )


def _replaced(choice: Choice) -> Iterator[str]:
    told = {one.revision: f"  # {one.message.splitlines()[0]}" for one in choice.replaced
            if one.message}  # fmt: skip
    for one in choice.ids:
        yield f"{INDENT}{_name(one)},{told.get(one, '')}"


def _name(text: str) -> str:
    return f'"{_escaped(text)}"'


def _names(texts: Sequence[str]) -> str:
    return f"({', '.join(map(_name, texts))}{',' if len(texts) == 1 else ''})"


def _upgrade(pieces: Sequence[Piece]) -> Iterator[str]:
    told: list[Told] = []
    for piece in pieces:
        if piece.code is not None:
            told.append((None, piece.code.splitlines()))
        else:
            told += _by_backend(piece.statements)
    yield from _branched(told)


def _downgrade(pieces: Sequence[Piece]) -> Iterator[str]:
    told: list[Told] = []
    for piece in reversed(pieces):
        if piece.code is not None and piece.undone:
            name = next(iter(piece.undone.values()))[0].removeprefix("DROP TABLE ")
            told.append((None, [f"op.drop_table({_name(_bare(name))})"]))
        else:
            told += _by_backend(piece.undone)
    yield from _branched(told)


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _by_backend(statements: Mapping[str, list[str]]) -> list[Told]:
    given = {backend: statements[backend] for backend in BACKENDS if statements.get(backend)}
    lines = {backend: [line for one in texts for line in _executed(one)]
             for backend, texts in given.items()}  # fmt: skip
    if len(lines) == len(BACKENDS) and len({tuple(each) for each in lines.values()}) == 1:
        return [(None, next(iter(lines.values())))]
    return list(lines.items())


def _branched(told: Sequence[Told]) -> Iterator[str]:
    """The lines, with one `if` around what follows each other for one database."""
    if any(backend for backend, _ in told):
        yield "dialect = op.get_context().dialect.name"
    inside: str | None = None
    for backend, lines in told:
        if backend is None:
            yield from lines
        else:
            if backend != inside:
                yield f'if dialect == "{backend}":'
            # What goes on within a text is part of it.
            yield from (INDENT + line for line in lines)
        inside = backend


def _executed(statement: str) -> list[str]:
    """The code that executes a statement, a line of it in each line of code."""
    lines = BIND.sub(r"\\:", statement).splitlines(keepends=True)
    parts = [_literal(part) for line in lines for part in _wrapped(line)]
    if len(parts) == 1:
        return [f"op.execute({parts[0]})"]
    return ["op.execute(", *(INDENT + part for part in parts), ")"]


def _wrapped(line: str) -> Iterator[str]:
    """A long line in parts that are nothing else when they are put together."""
    while len(line) > WIDTH and MARK not in line and " " in line[1:WIDTH]:
        at = line.rindex(" ", 1, WIDTH)
        yield line[:at]
        line = line[at:]
    yield line


def _literal(line: str) -> str:
    """A line as a text of Python's, which reads the time where it must."""
    if MARK not in line:
        return f'"{_escaped(line)}"'
    told = "".join(
        f"{{{part}}}" if place % 2 else _escaped(part).replace("{", "{{").replace("}", "}}")
        for place, part in enumerate(line.split(MARK))
    )
    return f'f"{told}"'


def _escaped(text: str) -> str:
    """What stands between double quotes."""
    return "".join(
        f"\\{one}" if one in {'"', "\\"} else one if one.isprintable() else repr(one)[1:-1]
        for one in text
    )
