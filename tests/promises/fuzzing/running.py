"""A target's process, from its seeds to what became of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from agentlogger.compiled.finding import SWITCH
from tests.promises.fuzzing import seeds

ROOT = Path(__file__).resolve().parents[3]
INPUT_BYTES = 16 * 1024
"""The longest input that is tried: several of the longest seeds fit, and mutations stay quick."""
SLOW_SECONDS = 25
"""An input that takes longer is a finding: a worker would be taken from everybody else."""
MEMORY_MB = 2_048
"""A process that takes more is one, too."""
START_SECONDS = 120
"""What a child may take beyond its time: to load, to try its seeds, and to finish an input."""

EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
READ = re.compile(r"^read: (\d+) of (\d+)$", re.MULTILINE)
COVERED = re.compile(r"\bcov: (\d+)")


@dataclass(frozen=True)
class Outcome:
    """What became of one target."""

    executions: int
    """0 where it did not come to its end."""
    read: float
    """The share of inputs of which something was read; the others were refused at the door."""
    covered: int
    """Edges of our code that inputs have reached."""
    findings: tuple[Path, ...]
    failure: str
    """The end of its log where the process did not end as it should; else empty."""


def fuzz(target: str, folder: Path, seconds: int, seed: int) -> Outcome:
    """Fuzz a target for so long; what it learned stays in the folder, for the next time."""
    learned, start, found = (folder / name / target for name in ("learned", "seeds", "findings"))
    learned.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    seeds.write(target, start)
    command = [
        *(sys.executable, "-m", "tests.promises.fuzzing.child", target, str(found)),
        *(f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={INPUT_BYTES}"),
        *(f"-timeout={SLOW_SECONDS}", f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1"),
        *(f"-artifact_prefix={found}/", str(learned), str(start)),
    ]
    file = folder / f"{target}.log"
    with file.open("wb") as log:
        try:
            status = subprocess.run(
                command,
                cwd=ROOT,
                # Machine code has no branches that atheris could be guided by.
                env=os.environ | {SWITCH: "no"},
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=seconds + START_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
    told = file.read_text(errors="replace")
    executed, covered, read = (one.findall(told) for one in (EXECUTED, COVERED, READ))
    return Outcome(
        executions=int(executed[-1]) if executed else 0,
        read=int(read[-1][0]) / int(read[-1][1]) if read else 0,
        covered=int(covered[-1]) if covered else 0,
        findings=tuple(sorted(path for path in found.iterdir() if path.suffix != ".txt")),
        failure="" if status == 0 and executed else f"It ended with {status}.\n{told[-2_000:]}",
    )
