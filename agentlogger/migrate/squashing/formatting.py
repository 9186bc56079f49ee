"""Code of Alembic's, set as people set it: double quotes, and an argument a line if it is long."""

from __future__ import annotations

import ast
import io
import tokenize

WIDTH = 92
"""How long a line of code may be before it stands within a function."""

INDENT = "    "


def formatted(code: str) -> str:
    """A call as a formatter would write it."""
    parsed = ast.parse(code.strip()).body[0]
    assert isinstance(parsed, ast.Expr)  # noqa: S101  (Alembic renders calls)
    return _set(parsed.value, "", "")


def _set(node: ast.expr, before: str, after: str) -> str:
    """An expression behind `before` (its indent, its keyword) and in front of `after`."""
    line = f"{before}{_spelled(node)}{after}"
    if not isinstance(node, ast.Call) or (len(line) <= WIDTH and not _is_table(node)):
        return line
    indent = before[: len(before) - len(before.lstrip())] + INDENT
    lines = [f"{before}{_spelled(node.func)}("]
    lines += [_set(argument, indent, ",") for argument in node.args]
    lines += [_set(each.value, f"{indent}{each.arg}=", ",") for each in node.keywords]
    return "\n".join([*lines, f"{indent.removesuffix(INDENT)}){after}"])


def _is_table(node: ast.Call) -> bool:
    """Whether it lists columns, which are read one below the other."""
    return isinstance(node.func, ast.Attribute) and node.func.attr == "create_table"


def _spelled(node: ast.expr) -> str:
    """An expression in one line, its texts in double quotes where that needs no escape."""
    text = ast.unparse(node)
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        said = token.string
        if token.type == tokenize.STRING and said.startswith("'") and not set('"\\') & set(said):
            said = f'"{said[1:-1]}"'
        found.append((token.type, said, token.start, token.end))
    line, at = "", 0
    for _, said, (_, begin), (_, end) in found:
        line += " " * (begin - at) + said
        at = end
    return line.rstrip()
