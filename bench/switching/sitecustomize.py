"""Switches parts off in a server that `bench/features.py` starts with this folder on PYTHONPATH.

Python imports this by itself. `BENCH_WITHOUT` in the environment names the functions to call.
"""

from __future__ import annotations

import os

from agentlogger.blueprints import receiving
from agentlogger.intake import canonical, layouts
from agentlogger.store import ledger


def redaction() -> None:
    """Look for no secrets."""
    canonical._redact = lambda sent, _redactor: layouts.layout_of(sent.attributes)


def readers() -> None:
    """Look for no calls of models: no tokens, no cost, and nothing for their ledger."""
    canonical.reader_of = lambda *_: None


def calls() -> None:
    """Keep no ledger of the calls that readers find."""
    ledger.take = lambda *_: None


def identities() -> None:
    """Know no record again."""
    canonical._identity = lambda _sent: None


def digests() -> None:
    """Know no request again."""
    receiving.digests.claim = lambda *_: None


for name in os.environ.get("BENCH_WITHOUT", "").split():
    globals()[name]()
