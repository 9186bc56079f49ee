"""Three releases of the program, one column of `log_records` between them, and their tests.

The old one does not know the column, the new one writes it, the newest one no longer does and drops
it. Each is a copy of the tree; none is told of the others but by the database.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.migrations.checkout import ROOT, Checkout
from tests.promises.revisions import add_revision, seal
from tests.promises.running import OURS, written

MODEL = Path("agentlogger/models/logs.py")
RECORD = Path("agentlogger/intake/record.py")

BEFORE_IN_MODEL = "    attributes: Mapped[dict[str, Any]] = mapped_column(Json)\n"
BEFORE_IN_RECORD = "    identity: bytes | None\n"

EXPAND = "window01"
CONTRACT = "window02"

SUITE = ("tests/api/test_reading.py", "tests/otlp/test_success.py", "tests/promises/readiness.py")
"""What agents and people do with the API. Left out are tests that name this tree's own head."""

SUITE_SECONDS = 300
MIGRATED_BY = "AGENTLOGGER_TEST_MIGRATED_BY"


@dataclass(frozen=True)
class Programs:
    """The releases, oldest first."""

    old: Checkout
    new: Checkout
    newest: Checkout


def make_programs(folder: Path, *, expand: str, phase: str = "expand") -> Programs:
    """Copies of the tree as three releases; `expand` is the upgrade of the new one's revision."""
    # Their own addresses are not used: each test of theirs makes its database.
    nowhere = make_url("sqlite:///nowhere.db")
    made = Programs(*(_copy(folder / name, nowhere) for name in ("old", "new", "newest")))
    for program in (made.new, made.newest):
        add_revision(
            program,
            EXPAND,
            "add a note to each log record",
            expand,
            'op.drop_column("log_records", "note")',
            phase=phase,
        )
    add_revision(
        made.newest,
        CONTRACT,
        "drop the note of each log record",
        'op.drop_column("log_records", "note")',
        'op.add_column("log_records", sa.Column("note", sa.Text(), nullable=True))',
        phase="contract",
    )
    _insert(
        made.new.folder / MODEL,
        "    note: Mapped[str | None] = mapped_column(Text)\n",
        before=BEFORE_IN_MODEL,
    )
    _insert(
        made.new.folder / RECORD,
        '    note: str | None = field(default="written by the new program", kw_only=True)\n',
        before=BEFORE_IN_RECORD,
    )
    _insert(made.new.folder / RECORD, "from dataclasses import field\n", before="from typing ")
    for program in (made.new, made.newest):
        seal(program)
    return made


def _copy(folder: Path, url: URL) -> Checkout:
    made = Checkout(folder, url)
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=ignored)
    return made


def _insert(path: Path, line: str, *, before: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1, f"{path.name} no longer has the line {before!r} once"
    path.write_text(text.replace(before, line + before))


def run_suite(
    program: Checkout, *migration: str, migrated_by: Checkout, server: URL, only: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program's tests of its API on databases that another program has migrated.

    `migration` is the command that does it, as words after `flask db`. `server` is a PostgreSQL to
    make databases on. The SQLite ones are made by the tests themselves.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment = kept | {
        "PYTHONPATH": str(program.folder),
        "AGENTLOGGER_TEST_POSTGRESQL_URL": written(server),
        MIGRATED_BY: "\n".join([str(migrated_by.folder), *migration]),
    }
    plugin = ["-p", "tests.promises.migrated_elsewhere", "-p", "no:cacheprovider"]
    chosen = ["-k", only] if only else []
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", *plugin, *chosen, *SUITE],
        cwd=program.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
        check=False,
    )
