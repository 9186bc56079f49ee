"""The law between rooms, read from the source: each function says what breaks it, as sentences."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "agentlogger"

GROUND = {"compiled", "errors", "limits", "surroundings", "database_urls", "config", "__init__"}
"""At the bottom: all rooms may import these, except the migration room."""

ABOVE = {
    "intake": set(),
    "models": set(),
    "schemas": {"intake"},
    "showing": {"intake"},
    "query": {"intake", "models"},
    "store": {"intake", "models", "query"},
    "blueprints": {"intake", "models", "schemas", "showing", "query", "store", "migrate"},
    "duties": {"intake", "models", "query", "store", "migrate"},
    "app": {
        "blueprints",
        "duties",
        "intake",
        "models",
        "schemas",
        "query",
        "store",
        "migrate",
        "migrating",
    },
    "migrating": {"models", "migrate"},
    "wsgi": {"app", "migrating"},
    "__main__": {"terminal"},
    "handler": set(),
    "terminal": {
        "app",
        "blueprints",
        "duties",
        "intake",
        "models",
        "schemas",
        "showing",
        "query",
        "store",
        "migrate",
    },
    "migrate": set(),
}
"""For each room, the rooms below it that it may name."""

OWNERS = {
    "flask": {"blueprints", "app", "migrating", "wsgi", "terminal", "migrate", "models"},
    "sqlalchemy": {"models", "store", "query", "migrate"},
    "marshmallow": {"schemas"},
    "lark": {"query"},
    "psycopg2": {"store", "migrate"},
    "sqlite3": {"store", "migrate"},
    "alembic": {"migrate", "terminal"},
    "gunicorn": {"terminal"},
    "prometheus_client": {"blueprints"},
}
"""Which rooms may name a library, or one whose name begins with it and an underscore."""

FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "shared"}
LINES_MOST = 400
FUNCTION_LINES_MOST = 60


def room_of(path: Path) -> str:
    """The room a file of the package stands in: its folder, or its own name at the top."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def sources() -> list[Path]:
    """Every Python file of the project that people write."""
    folders = ("agentlogger", "migrations", "tests", "bench", "demo")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "node_modules" not in path.parts)


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that a source imports, dotted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def parsed(source: str) -> ast.Module:
    """The tree of a source, parsed once for all rules."""
    return ast.parse(source)


def breaches_of_the_law(room: str, source: str) -> list[str]:
    """What a source in a room imports that it must not."""
    breaches = set()
    for module in imported(parsed(source)):
        parts = module.split(".")
        if parts[0] == "agentlogger" and len(parts) > 1 and not _may_import(room, parts[1]):
            breaches.add(f"{room} imports {parts[1]}")
        for library, owners in OWNERS.items():
            named = parts[0] == library or parts[0].startswith(f"{library}_")
            if named and room not in owners:
                breaches.add(f"{room} names {library}")
    return sorted(breaches)


def _may_import(room: str, target: str) -> bool:
    if room == "migrate":
        return target == "migrate"
    if room in GROUND:
        return target in GROUND
    return target in {room, "__version__", "RUNS_AS", *GROUND, *ABOVE[room]}


def hidden_imports(source: str) -> list[int]:
    """The lines on which a function imports something."""
    return [
        inner.lineno
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


def long_functions(source: str) -> list[str]:
    """The functions that are longer than a screen, with their length."""
    return [
        f"{node.name} ({node.end_lineno - node.lineno + 1} lines)"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MOST
    ]


def body_readers(source: str) -> list[int]:
    """The lines that read a request's body by way of Flask, which cuts a chunked one in silence."""
    reading = {"get_data", "data", "get_json", "json", "stream", "form", "files", "values"}
    return [
        node.lineno
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Attribute)
        and node.attr in reading
        and isinstance(node.value, ast.Name)
        and node.value.id == "request"
    ]


def shared_chance(source: str) -> list[int]:
    """Lines that draw from the chance which all of a process shares, and may have seeded.

    A thread of ours that draws from it changes what a program of the handler's gets, and what a
    test of Hypothesis' in the same process is told.
    """
    own = {"Random", "SystemRandom"}
    return [
        node.lineno
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "random"
        and node.attr not in own
    ]


def unscoped_functions(source: str) -> list[str]:
    """The public functions of a store's module whose first parameter is no scope."""
    unscoped = []
    for node in parsed(source).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            first = node.args.args[0].annotation if node.args.args else None
            if not (isinstance(first, ast.Name) and first.id in {"ProjectScope", "OperatorScope"}):
                unscoped.append(node.name)
    return unscoped


def circles(sources: Mapping[str, str]) -> list[str]:
    """Modules that import each other in a circle, of these by their dotted names.

    Which of them can be imported then hangs on which of them is imported first.
    """
    sorter = TopologicalSorter(
        {
            name: {module for module in _of_the_module(parsed(source)) if module in sources}
            for name, source in sources.items()
        }
    )
    try:
        sorter.prepare()
    except CycleError as circle:
        return list(circle.args[1])
    return []


def _of_the_module(tree: ast.Module) -> Iterator[str]:
    """The modules that are imported when this one is: a package, or what is taken out of it."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield node.module
