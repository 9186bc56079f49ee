"""What an account's password costs whoever guesses."""

from __future__ import annotations

import subprocess
import sys

from argon2 import PasswordHasher

COSTS = (
    "from agentlogger.store.users import _hasher;"
    " print(_hasher.memory_cost, _hasher.time_cost, _hasher.type.name)"
)


def test_a_password_costs_what_rfc_9106_recommends():
    """In a process of its own, since the tests' own pays less."""
    command = [sys.executable, "-c", COSTS]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    memory_cost, time_cost, kind = told.stdout.split()
    assert (int(memory_cost), int(time_cost), kind) == (64 * 1024, 3, "ID")
    assert PasswordHasher().memory_cost == int(memory_cost)
