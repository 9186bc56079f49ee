"""What is compiled reads every file as the sources do, to the byte."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agentlogger.compiled import finding, modules


def read(**settings: str) -> list[str]:
    """How a process of its own runs, and all that it reads of the corpus."""
    environment = {name: value for name, value in os.environ.items() if name != finding.SWITCH}
    done = subprocess.run(
        [sys.executable, "-m", "tests.compiled.rows_read"],
        cwd=modules.PACKAGE.parent,
        env=environment | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.usefixtures("compiled_folder")
def test_compiled_and_pure_make_the_same_rows_of_the_whole_corpus():
    by_machine_code, by_sources = read(), read(AGENTLOGGER_COMPILED="no")

    assert (by_machine_code[0], by_sources[0]) == (finding.COMPILED, finding.PURE)
    assert len(by_sources) > 1_000
    differ = [pair for pair in zip(by_machine_code, by_sources, strict=True) if pair[0] != pair[1]]
    assert differ[1:] == []
