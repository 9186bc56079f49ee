"""Where the program stands: in a checkout or installed, and which environment it was given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dotenv

PACKAGE = Path(__file__).resolve().parent


def checkout_root() -> Path | None:
    """The checkout that this package is used from, or None in an installed copy."""
    root = PACKAGE.parent
    return root if (root / "wsgi.py").is_file() and (root / "setup.cfg").is_file() else None


def migrations_folder() -> Path:
    """Alembic's folder: at the top of a checkout, inside the package of an installed copy."""
    root = checkout_root()
    return root / "migrations" if root else PACKAGE / "migrations"


def user_data_folder() -> Path:
    """Where an installed copy keeps its data: with the user's, not in the environment of pip."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "agentlogger"


def given_environment() -> dict[str, str]:
    """The environment this process was given, without what the `flask` command put into it.

    Where python-dotenv is installed, `flask` loads `.env` and `.flaskenv` from the current folder
    before it loads any application, and bare `alembic` does not: the two would then speak to two
    databases. What came from there is left out again.
    """
    environment = dict(os.environ)
    if "flask.cli" not in sys.modules or Path(sys.argv[0]).name not in {"flask", "__main__.py"}:
        return environment
    given = _environment_at_start()
    for name in (".flaskenv", ".env"):
        path = dotenv.find_dotenv(name, usecwd=True)
        for key, value in dotenv.dotenv_values(path).items() if path else ():
            if environment.get(key) == value and f"{key}={value}" not in given:
                del environment[key]
    return environment


def _environment_at_start() -> str:
    """The environment with which the process began, as the system tells it: NAME=value, many."""
    try:
        return Path("/proc/self/environ").read_text(errors="replace")
    except OSError:
        # macOS has no /proc; its ps shows a process's environment behind its command.
        command = ["/bin/ps", "eww", "-o", "command=", "-p", str(os.getpid())]
        told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return told.stdout
