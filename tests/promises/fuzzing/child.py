"""One target under atheris, in a process of its own: libFuzzer ends the process it runs in.

`python -m tests.promises.fuzzing.child TARGET FOLDER [libFuzzer's own arguments]`
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import atheris

from tests.promises.fuzzing.findings import Findings

REPORT_EVERY = 500
"""Inputs between two lines in the log that say how many were read."""

with atheris.instrument_imports(include=["agentlogger.intake"]):
    TARGETS = importlib.import_module("tests.promises.fuzzing.targets").TARGETS
    inflating = importlib.import_module("agentlogger.intake.inflating")

BODY_PLAIN_BYTES = 1024 * 1024
"""The true limit would have a fuzzer that has found a bomb inflate 64 MiB each time."""

if __name__ == "__main__":
    _, name, folder, *arguments = sys.argv
    inflating.BODY_PLAIN_BYTES = BODY_PLAIN_BYTES  # type: ignore[attr-defined]
    findings = Findings(Path(folder))
    judged = findings.judged(TARGETS[name])

    def counted(content: bytes) -> None:
        """Judge an input, and say now and then how many were read: no exit of ours is run."""
        judged(content)
        if findings.judgements % REPORT_EVERY == 0:
            print(f"read: {findings.read} of {findings.judgements}", flush=True)

    atheris.Setup([sys.argv[0], *arguments], counted)
    atheris.Fuzz()
