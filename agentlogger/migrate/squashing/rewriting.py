"""A revision's file put onto another parent: what it says of its parents is changed, no more."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from agentlogger.migrate.causes import CannotSquash
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown

NAMES = {"down_revision", "depends_on"}

REVISES = re.compile(r"^(?P<label>Revises:).*$", re.MULTILINE)
"""The line of Alembic's template within the docstring."""


def onto(revision: Declared, gone: Collection[str], base: str) -> str:
    """The text of a file that follows `base` instead of what is gone. Raises CannotSquash."""
    source = revision.source.replace("\r\n", "\n")
    tree = ast.parse(source)
    changes = dict(_assigned(tree))
    if "down_revision" not in changes:
        raise CannotSquash(
            f"{shown(revision.path)} has no line `down_revision = ...` of its own, so it cannot be "
            "put onto the new base: write one there, run `flask db seal`, then squash again."
        )
    text = source.encode()
    places = []
    for name, node in changes.items():
        told = [one for one in _names(node, revision) if one not in gone]
        if name == "down_revision":
            told.insert(0, base)
        places.append((_place(source, node), _written(told)))
    for (begin, end), value in sorted(places, reverse=True):
        text = text[:begin] + value.encode() + text[end:]
    return _with_heading(text.decode(), base)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in NAMES:
            yield name, value


def _names(node: ast.expr, revision: Declared) -> list[str]:
    try:
        value = ast.literal_eval(node)
    except ValueError as fault:
        raise CannotSquash(
            f"{shown(revision.path)} computes `{ast.unparse(node)}`, so it cannot be put onto the "
            "new base: write the revision's id there, run `flask db seal`, then squash again."
        ) from fault
    return [value] if isinstance(value, str) else list(value or ())


def _place(source: str, node: ast.expr) -> tuple[int, int]:
    """Where an expression begins and ends, in bytes."""
    lines = source.encode().splitlines(keepends=True)
    assert node.end_lineno is not None  # noqa: S101  (parsed from a text)
    assert node.end_col_offset is not None  # noqa: S101  (likewise)
    before = sum(map(len, lines[: node.lineno - 1]))
    until = sum(map(len, lines[: node.end_lineno - 1]))
    return before + node.col_offset, until + node.end_col_offset


def _written(names: list[str]) -> str:
    if not names:
        return "None"
    if len(names) == 1:
        return f'"{names[0]}"'
    return "(" + ", ".join(f'"{name}"' for name in names) + ")"


def _with_heading(text: str, base: str) -> str:
    """The text with the line of its docstring that names the parent."""
    node = ast.parse(text).body[0]
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return text
    begin, end = _place(text, node.value)
    data = text.encode()
    heading = REVISES.sub(rf"\g<label> {base}", data[begin:end].decode(), count=1)
    return (data[:begin] + heading.encode() + data[end:]).decode()
