"""What the source says, read without running it: the settings it asks for, the codes it gives."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "agentlogger"

ENVIRONMENTS = {"values", "environment", "os.environ", "given_environment()"}
"""How the source calls the mappings that settings are read from."""

ANSWERING = {"Rejection", "_answer"}
"""What is called with a code as its second argument."""


def trees(*, without: str = "") -> Iterator[ast.Module]:
    """The syntax tree of each module of the program, those of one room left out."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] == without:
            continue
        yield ast.parse(path.read_text(encoding="utf-8"))


def settings_read(tree: ast.AST) -> set[str]:
    """The names that a module looks up in its environment."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in ENVIRONMENTS:
            found |= texts(node.slice)
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr in {"get", "getenv"}:
                if ast.unparse(function.value) in ENVIRONMENTS | {"os"} and node.args:
                    found |= texts(node.args[0])
            elif len(node.args) > 1 and ast.unparse(node.args[0]) in ENVIRONMENTS:
                found |= texts(node.args[1])
    return found


def codes_given(tree: ast.AST) -> set[str]:
    """The codes that a module writes out where it refuses or answers.

    A code with a part that only the request decides has a star there, as in `http.*`.
    """
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) > 1:
            if ast.unparse(node.func) in ANSWERING:
                found |= texts(node.args[1])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            values = [node.value]
            if isinstance(node.value, ast.IfExp):
                values = [node.value.body, node.value.orelse]
            for value in values:
                found |= texts(value)
    return found


def texts(node: ast.expr) -> set[str]:
    """The text that an expression is, a star for each part that is not written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
        return {"".join(map(str, parts))}
    return set()
