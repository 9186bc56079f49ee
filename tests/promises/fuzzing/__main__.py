"""Fuzz what reads bytes of strangers: `python -m tests.promises.fuzzing --minutes 10`.

The minutes are shared by all targets, one after the other. What was learned stays in build/fuzzing,
and so do findings: an input that raised anything but a refusal, made a row that no database holds,
or took too long. Ends with 1 where there are any.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.promises.fuzzing.running import ROOT, fuzz
from tests.promises.fuzzing.targets import TARGETS

SHORTEST_SECONDS = 5
"""A target has at least so long: less is spent on its seeds alone."""


def main(arguments: Sequence[str]) -> int:
    """Fuzz, print what became of each target, and return 1 where anything was found."""
    asked = _parser().parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not installed, so nothing was fuzzed: `make fuzz` installs it, and so does "
            "`pip install -e '.[test,fuzz]'` on Linux with Python 3.11 to 3.14.",
            file=sys.stderr,
        )
        return 2
    targets = asked.only or list(TARGETS)
    seconds = max(SHORTEST_SECONDS, round(asked.minutes * 60 / len(targets)))
    print(f"seed {asked.seed}, {seconds} s a target, files in {asked.folder}")
    print(
        f"{'target':20} {'executions':>12} {'a second':>9} {'read':>6} {'edges':>6} {'findings':>9}"
    )
    wrong = 0
    total = 0
    for target in targets:
        outcome = fuzz(target, asked.folder, seconds, asked.seed)
        total += outcome.executions
        wrong += len(outcome.findings) or bool(outcome.failure)
        print(
            f"{target:20} {outcome.executions:12,} {outcome.executions // seconds:9,} "
            f"{outcome.read:6.1%} {outcome.covered:6,} {len(outcome.findings):8}",
            flush=True,
        )
        for finding in outcome.findings:
            print(f"  {finding}")
        if outcome.failure:
            print(outcome.failure)
    print(f"{total:,} executions, {wrong} findings")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.promises.fuzzing", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="in all (default: 10)")
    parser.add_argument(
        "--only", action="append", choices=TARGETS, help="a target; may be given again"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "fuzzing")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 2**31))
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped: what was learned and found so far is kept.")
