"""A process that has the libraries loaded and forks for each command.

Two thirds of the second and a half that `alembic current` takes are imports of libraries, the same
each time. Each command still has a process of its own, with its own arguments, environment, folder
and output, and loads the code under test anew: none of ours is loaded here. That the two programs
start by themselves too is what `tests/migrations/test_lock.py` and the journeys show.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

LIBRARIES = (
    "alembic.command", "alembic.config", "argon2", "flask.cli", "flask_login", "flask_migrate",
    "flask_migrate.cli", "flask_smorest", "flask_sqlalchemy", "flask_wtf", "gunicorn.app.base",
    "marshmallow", "opentelemetry.proto.collector.logs.v1.logs_service_pb2", "orjson", "psycopg2",
    "sqlalchemy.dialects.postgresql.psycopg2", "sqlalchemy.dialects.sqlite.pysqlite",
)  # fmt: skip


def run(
    words: Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    out: IO[bytes],
    err: IO[bytes],
    seconds: int,
) -> int:
    """Run `alembic ...` or `flask ...` with its output in two files; return its exit code."""
    nursery = _nursery()
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    order = {
        "words": list(words), "cwd": cwd, "environment": dict(environment),
        "out": out.name, "err": err.name, "seconds": seconds,
    }  # fmt: skip
    nursery.stdin.write(json.dumps(order) + "\n")
    nursery.stdin.flush()
    answer = nursery.stdout.readline()
    assert answer, "the nursery has died"
    return int(answer)


@cache
def _nursery() -> subprocess.Popen[str]:
    """The process, one for each process of the test run."""
    process = subprocess.Popen(
        [sys.executable, "-c", (f"import sys; sys.path.insert(0, {_root()!r}); "
         "from tests.migrations.nursery import serve; sys.path.pop(0); serve()")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
    )  # fmt: skip
    atexit.register(process.kill)
    return process


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])


def serve() -> None:
    """Read orders and fork for each, until the other end is closed."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for module in [one for one in sys.modules if one.partition(".")[0] == "tests"]:
        del sys.modules[module]
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _live(json.loads(line))
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _live(order: Mapping[str, Any]) -> None:
    """Become the command. Never returns."""
    for number, name in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND
        os.dup2(os.open(name, flags), number)
    # Who hangs is ended by the system, as a timeout would.
    signal.alarm(order["seconds"])
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    program, *_ = sys.argv = order["words"]
    path = order["environment"].get("PYTHONPATH", "")
    # Where a console script has its own folder, and PYTHONPATH behind it.
    sys.path[:0] = [str(Path(sys.executable).parent), *filter(None, path.split(os.pathsep))]
    module = {"alembic": "alembic.config", "flask": "flask.cli"}[program]
    code = 1
    try:
        code = _code(importlib.import_module(module).main())
    except SystemExit as end:
        code = _code(end.code)
    except BaseException:  # noqa: BLE001  (as the interpreter would)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _code(given: object) -> int:
    if isinstance(given, str):
        sys.stderr.write(given + "\n")
        return 1
    return int(given or 0) & 255  # type: ignore[call-overload, no-any-return]
