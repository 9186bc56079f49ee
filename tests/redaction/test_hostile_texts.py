"""No text takes redaction longer than its length allows: a promise, since it looks at a clock."""

from __future__ import annotations

import time

import pytest

from agentlogger.intake.redaction import rules
from agentlogger.intake.redaction.policy import Policy
from agentlogger.intake.redaction.redactor import Redactor
from agentlogger.intake.storable import Adjustments

KEY = b"a key of the tests"

HOSTILE = [
    "sk-" * 70_000,
    "-----BEGIN PRIVATE KEY-----" * 8_000,
    "://" * 70_000,
    "://a:" * 40_000,
    "eyJ" + "a" * 200_000,
    "eyJaaaaaaaa." * 17_000,
    'password":"' * 20_000,
    "token:\\" + '\\"' * 100_000,
    'token="' + "\\" * 200_000,
    "Bearer " + "a" * 200_000,
    "Bearer " * 30_000,
    "authorization: " * 14_000,
    "cookie=" * 30_000,
    "xox" * 70_000,
    "gh_ghp_" * 30_000,
    "--a-" * 50_000,
    "a" * 60 + "key" * 60_000,
    " " * 100_000 + "key" + " " * 100_000,
    "key" + "\\" * 200_000,
    "AKIA" * 50_000,
    "a@" * 100_000,
    "1" * 200_000,
    "+1" * 100_000,
    "ya29." * 40_000,
]


@pytest.mark.promise
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:12]!r}")
def test_no_text_takes_longer_than_its_length_allows(text):
    everything = Redactor(Policy(also=frozenset(rules.OPTIONAL)), KEY)

    def cost(given: str) -> float:
        began = time.process_time()
        everything.text(given, Adjustments())
        return time.process_time() - began

    # Four times the text takes four times as long, and not sixteen times.
    small = min(cost(text[: len(text) // 4]) for _ in range(2))
    assert cost(text) < max(10 * small, 0.5)
