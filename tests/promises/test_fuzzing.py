"""Nothing but a refusal leaves `agentlogger/intake/`, whatever bytes it is given.

`AGENTLOGGER_FUZZ_MINUTES` says how long the proof lasts.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from agentlogger.errors import BodyUndecodable
from tests.promises.fuzzing.findings import Findings
from tests.promises.fuzzing.running import ROOT
from tests.promises.fuzzing.targets import unstorable

MINUTES = os.environ.get("AGENTLOGGER_FUZZ_MINUTES", "2")


@pytest.mark.promise
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="needs atheris: make .venv/installed-fuzz"
)
def test_fuzzing_finds_nothing(tmp_path, capsys):
    command = [sys.executable, "-m", "tests.promises.fuzzing", "--minutes", MINUTES]
    ended = subprocess.run(
        [*command, "--folder", tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    with capsys.disabled():
        print(f"\n{ended.stdout}")

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_what_is_no_refusal_is_a_finding_with_its_shortest_input(tmp_path):
    findings = Findings(tmp_path)

    def target(content):
        if content.startswith(b"{"):
            raise KeyError(content)
        if content:
            raise BodyUndecodable("This is a refusal.")
        return True

    judge = findings.judged(target)
    for content in (b"", b"refused", b"{longer", b"{short", b"{longest"):
        judge(content)

    (file,) = tmp_path.glob("*.bin")
    assert file.read_bytes() == b"{short"
    assert "KeyError: b'{short'" in file.with_suffix(".txt").read_text()
    assert (findings.judgements, findings.read) == (5, 1)


@pytest.mark.parametrize("bad", ["\0", "\ud800", 2**63, float("nan"), object()])
def test_what_no_database_holds_is_found_wherever_it_stands(bad):
    good = {"text": ["é", 1.5, None, True, 2**63 - 1, -(2**63)]}

    assert unstorable(good) == ""
    assert unstorable(good | {"more": [{"deep": bad}]}) != ""
