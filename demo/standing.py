"""Servers that stand otherwise than one that has just begun: for pictures of them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from agentlogger.migrate.backfills.definition import Definition
from agentlogger.migrate.ledger.tables import BACKFILLS
from demo.__main__ import environment

EMAIL, READER = "alice@example.org", "ben@example.org"
PASSWORD = "a password of the pictures alone"  # noqa: S105  (of servers that end with the script)
SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS


def close(instance: Path) -> None:
    """Give a server accounts, projects and keys, of which one is over."""
    for email, *given in ((EMAIL, "--admin", "--name", "Alice Lindgren"), (READER,)):
        _flask(instance, "users", "create", email, "--password-stdin", *given, said=PASSWORD)
    for project in ("support", "research"):
        _flask(instance, "projects", "create", project)
    for name, project in (("claude-code", "default"), ("the customer service", "support")):
        _flask(instance, "keys", "create", "--name", name, "--project", project)
    made = _flask(instance, "keys", "create", "--name", "a laptop that was lost")
    key = next(word for word in made.split() if word.startswith("alog_"))
    _flask(instance, "keys", "revoke", key)


def fill_backfills(instance: Path) -> None:
    """Give a server backfills that run, stand and have ended, and the snapshot of an upgrade."""
    downgrade(instance)
    _flask(instance, "db", "upgrade")
    now_ns = time.time_ns()
    at_work = {"rows_per_second": 9_870.0, "lease_until_ns": now_ns + DAY_NS,
               "lease_owner": "web-1:2711:1"}  # fmt: skip
    name = (("full_name", "first_name || ' ' || last_name"),)
    outcome = (("outcome", "CASE WHEN error_type IS NULL THEN 'ok' ELSE 'error' END"),)
    engine = sa.create_engine(f"sqlite:///{instance / 'agentlogger.db'}")
    for one, state, done, expected, given in (
        (("users_full_name", "users", None, name, "full_name IS NULL"),
         "running", 612_400, 1_000_000, at_work),
        (("log_records_outcome", "log_records", None, outcome, "outcome IS NULL"),
         "paused", 1_250_000, 5_210_000, {}),
        (("api_keys_prefix", "api_keys", None, name, "prefix IS NULL"),
         "finished", 2_113, 2_113, {}),
    ):  # fmt: skip
        row = {
            **Definition(*one, key=(), batch_seconds=None).columns("8c40d2b6e713", None),
            "state": state, "rows_done": done,
            "rows_expected": expected, "begun_ns": now_ns - 62 * SECOND_NS, "changed_ns": now_ns,
        }  # fmt: skip
        with engine.begin() as connection:
            connection.execute(BACKFILLS.insert().values(row | given))
    engine.dispose()


def downgrade(instance: Path) -> None:
    """Take a server's database a revision back: its programs go on meanwhile."""
    _flask(instance, "db", "downgrade", "-x", "allow-downgrade=yes")


def _flask(instance: Path, *command: str, said: str = "") -> str:
    ran = subprocess.run(  # noqa: S603  (our own commands)
        [sys.executable, "-m", "flask", *command],
        env=environment(instance), input=said, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise SystemExit(f"flask {' '.join(command)} failed: {ran.stderr}")
    return ran.stdout
