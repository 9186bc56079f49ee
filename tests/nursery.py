"""Processes that have modules loaded and fork for each program that a test starts.

Most of the second that a program takes to start is spent on imports, the same each time. Each
program still has a process of its own, with its own arguments, environment, folder and output.

One process has the libraries loaded and nothing of ours: `run` forks it for migration commands,
which load the code of a copy of the checkout. Another has AgentLogger loaded as well: `start` forks
it for servers. That the programs start by themselves too is what `tests/start/test_serve.py` and
`tests/migrations/test_lock.py` show.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import IO, Any

LIBRARIES = (
    "alembic.command", "alembic.config", "argon2", "flask.cli", "flask_login", "flask_migrate",
    "flask_migrate.cli", "flask_smorest", "flask_sqlalchemy", "flask_wtf", "gunicorn.app.base",
    "lark", "marshmallow", "opentelemetry.proto.collector.logs.v1.logs_service_pb2", "orjson",
    "prometheus_client", "psycopg2", "sqlalchemy.dialects.postgresql.psycopg2",
    "sqlalchemy.dialects.sqlite.pysqlite",
)  # fmt: skip
OURS = ("agentlogger.terminal.main", "agentlogger.terminal.serve")

PROGRAMS = {
    "agentlogger": ("agentlogger.terminal.main", "main"),
    "alembic": ("alembic.config", "main"),
    "flask": ("flask.cli", "main"),
}
"""What the console scripts call."""

POLL_SECONDS = 0.01


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
    return int(_answer(
        LIBRARIES,
        {
            "words": list(words), "cwd": cwd, "environment": dict(environment),
            "out": out.name, "err": err.name, "seconds": seconds,
        },
    ))  # fmt: skip


class Process:
    """A program that `start` has started: what of `subprocess.Popen` the tests use."""

    def __init__(self, words: Sequence[str], pid: int, status: Path) -> None:
        self.args = list(words)
        self.pid = pid
        self._status = status

    def poll(self) -> int | None:
        """How it ended; None where it has not."""
        return int(self._status.read_text()) if self._status.exists() else None

    def wait(self, timeout: float | None = None) -> int:
        """Likewise, once it has. Raises subprocess.TimeoutExpired."""
        begun = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - begun > timeout:
                raise subprocess.TimeoutExpired(self.args, timeout)
            time.sleep(POLL_SECONDS)
        return code

    def terminate(self) -> None:
        """SIGTERM, where it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


_numbers = count()


def start(
    words: Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    log: Path,
    loaded: tuple[str, ...] = LIBRARIES + OURS,
) -> Process:
    """Start a program with its output at the end of a file, which is there.

    With LIBRARIES alone `loaded`, it loads the code that PYTHONPATH names. It is the first process
    of a session, so that it can be killed with all that it starts.
    """
    status = log.with_name(f"{log.name}.{next(_numbers)}.status")
    order = {
        "words": list(words), "cwd": cwd, "environment": dict(environment),
        "out": str(log), "err": str(log), "seconds": 0, "status": str(status),
    }  # fmt: skip
    return Process(words, int(_answer(loaded, order)), status)


def _answer(loaded: tuple[str, ...], order: Mapping[str, Any]) -> str:
    nursery = _nursery(loaded)
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps(order) + "\n")
    nursery.stdin.flush()
    answer = nursery.stdout.readline()
    assert answer, "the nursery has died"
    return answer


@cache
def _nursery(loaded: tuple[str, ...]) -> subprocess.Popen[str]:
    """The process that has these modules loaded, one for each process of the test run."""
    process = subprocess.Popen(
        [sys.executable, "-c", (f"import sys; sys.path.insert(0, {_root()!r}); "
         "from tests.nursery import serve; sys.path.pop(0); serve(sys.argv[1:])"), *loaded],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
    )  # fmt: skip
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    """Kill it and see it gone, with its pipes closed: else the interpreter says so as it ends."""
    with process:
        process.kill()


def _root() -> str:
    return str(Path(__file__).resolve().parents[1])


def serve(loaded: Sequence[str]) -> None:
    """Load modules, then read orders and fork for each, until the other end is closed."""
    for name in loaded:
        importlib.import_module(name)
    for module in [one for one in sys.modules if one.partition(".")[0] == "tests"]:
        del sys.modules[module]
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            if "status" in order:
                _stand_by(order, answers)
            _live(order)
        if "status" in order:
            _reap()
            continue
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _reap() -> None:
    """Let go of those who stood by what has ended."""
    while os.waitpid(-1, os.WNOHANG)[0]:
        pass


def _stand_by(order: Mapping[str, Any], answers: IO[str]) -> None:
    """Start the program, tell its number, and write down how it ended. Never returns."""
    alive, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        _live(order)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.close(told)
    # It closes what it has inherited once it has a session: before, nobody could kill its group.
    os.read(alive, 1)
    answers.write(f"{child}\n")
    answers.flush()
    _, status = os.waitpid(child, 0)
    written = Path(order["status"] + ".new")
    written.write_text(str(os.waitstatus_to_exitcode(status)))
    written.rename(order["status"])
    os._exit(0)


def _live(order: Mapping[str, Any]) -> None:
    """Become the command. Never returns."""
    for number, name in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND
        os.dup2(os.open(name, flags), number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    # Who hangs is ended by the system, as a timeout would.
    signal.alarm(order["seconds"])
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    program, *_ = sys.argv = order["words"]
    path = order["environment"].get("PYTHONPATH", "")
    # Where a console script has its own folder, and PYTHONPATH behind it.
    sys.path[:0] = [str(Path(sys.executable).parent), *filter(None, path.split(os.pathsep))]
    module, main = PROGRAMS[program]
    code = 1
    try:
        code = _code(getattr(importlib.import_module(module), main)())
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
