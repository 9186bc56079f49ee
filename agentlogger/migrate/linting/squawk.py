"""A second opinion: squawk's rules on the statements that a revision was seen to execute.

squawk reads text, so it is given what reached the database, data steps and SQL built at run time
included, and none of the BEGIN and COMMIT around it. What it says are warnings.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentlogger.migrate.causes import Refused
from agentlogger.migrate.linting.finding import Finding
from agentlogger.migrate.linting.rules import WARNING
from agentlogger.migrate.trial.observing import Observed

INSTALL = "pip install 'squawk-cli>=2.70,<3'"

LACKING = f"squawk, which gives a second opinion, is not installed: {INSTALL}"

SQUAWK = "squawk: "
"""How the id of a rule of its begins."""

SECONDS = 60

TIMEOUTS = "SET lock_timeout = '300ms'; SET statement_timeout = '1h';"
"""What `flask db upgrade` does by itself before the first statement, so that squawk does not ask
for it; what a revision does to them, the rule lock-not-bounded has seen."""

LEFT_OUT = {"prefer-robust-stmts", "syntax-error"}
"""A step that was killed goes on where it stopped without IF NOT EXISTS, and what the server has
executed is no mistake of syntax. Left out here and not by an option, which would have squawk
forget what the project's `.squawk.toml` leaves out."""

CONCURRENTLY = "require-concurrent-index-creation"

DROPPED = re.compile(r"\bDROP\s+CONSTRAINT\s+(?:IF\s+EXISTS\s+)?(?P<name>\S+)", re.IGNORECASE)

READS_NO_ROW = re.compile(r"^\s*CREATE\s+(?:UNIQUE\s+)?INDEX\s[^(]*\sON\s+ONLY\s", re.IGNORECASE)
"""An index of a partitioned table alone: its partitions' own are built by other statements, and it
cannot be made CONCURRENTLY, as squawk has it."""

PARAMETER = re.compile(r"%\(\w+\)s(?:::[A-Za-z ]+)?|%s")


def found() -> Path | None:
    """The program, of this environment or on the PATH; None where there is none."""
    beside = Path(sys.executable).parent / "squawk"
    if beside.is_file():
        return beside
    on_path = shutil.which("squawk")
    return Path(on_path) if on_path else None


def version_of(program: Path) -> str:
    """Its version. Raises Refused where it does not run."""
    return _run(program, ["--version"]).strip().rpartition(" ")[2]


def opinions(
    program: Path, observed: Mapping[str, Sequence[Observed]], server: str
) -> dict[str, list[Finding]]:
    """What squawk says of each revision's upgrade, by the ids of the revisions.

    `server` is the version of PostgreSQL. Raises Refused where squawk does not run.
    """
    found: dict[str, list[Finding]] = {name: [] for name in observed}
    with tempfile.TemporaryDirectory(prefix="migration-squawk-") as folder:
        for is_autocommit in (False, True):
            texts = {
                name: [one for one in several if one.is_autocommit is is_autocommit]
                for name, several in observed.items()
            }
            files = _write(Path(folder), texts)
            if not files:
                continue
            words = ["--reporter", "json", "--pg-version", server]
            words += [] if is_autocommit else ["--assume-in-transaction"]
            said = _run(program, [*words, *map(str, files)])
            for one in json.loads(said or "[]"):
                name, lines = files[Path(one["file"])]
                statement = lines[one["line"]]
                if not _is_mistaken(one["rule_name"], statement, texts[name]):
                    found[name].append(_finding(one, statement))
    return {name: list(_once(several)) for name, several in found.items()}


def _is_mistaken(rule: str, one: Observed, several: Sequence[Observed]) -> bool:
    """Whether squawk says what is not so, since it knows the text of one statement alone."""
    if rule in LEFT_OUT or _is_own(one, several):
        return True
    return rule == CONCURRENTLY and READS_NO_ROW.search(one.sql) is not None


def _is_own(one: Observed, several: Sequence[Observed]) -> bool:
    """Whether it drops a constraint that the same revision has made, as a verb does on its way."""
    dropped = DROPPED.search(one.sql)
    if dropped is None:
        return False
    making = re.compile(rf"\bADD\s+CONSTRAINT\s+{re.escape(dropped['name'])}\s", re.IGNORECASE)
    return any(making.search(other.sql) for other in several)


def _write(
    folder: Path, texts: Mapping[str, Sequence[Observed]]
) -> dict[Path, tuple[str, list[Observed]]]:
    """A file for each revision, and the statement behind each of its lines."""
    files: dict[Path, tuple[str, list[Observed]]] = {}
    for name, several in texts.items():
        if not several:
            continue
        lines, behind = [TIMEOUTS], [several[0]]
        for one in several:
            text = PARAMETER.sub("NULL", one.sql).replace("%%", "%").strip().rstrip(";") + ";"
            lines += text.splitlines()
            behind += [one] * len(text.splitlines())
        path = folder / f"{len(files)}.sql"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        files[path] = (name, behind)
    return files


def _finding(said: Mapping[str, Any], one: Observed) -> Finding:
    return Finding(
        rule=SQUAWK + str(said["rule_name"]),
        level=WARNING,
        says=str(said["message"]).strip().rstrip("."),
        advice=str(said["help"] or "").strip(),
        path=one.path,
        line=one.line,
        sql=" ".join(one.sql.split()),
    )


def _once(several: Sequence[Finding]) -> Iterator[Finding]:
    """Each rule once for a statement: squawk tells it for each column."""
    known = set()
    for one in several:
        key = one.rule, one.line, one.sql
        if key not in known:
            known.add(key)
            yield one


def _run(program: Path, words: Sequence[str]) -> str:
    try:
        ended = subprocess.run(  # noqa: S603  (a program of this environment, with files of ours)
            [str(program), *words], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Refused(
            f"squawk could not be run ({fault}): install it anew with `{INSTALL}`, or take it away."
        ) from fault
    # It ends with 1 where it has found something.
    if ended.returncode not in {0, 1} or (ended.returncode and not ended.stdout.strip()):
        raise Refused(
            f"squawk has failed ({ended.stderr.strip().partition(chr(10))[0]}): install it anew "
            f"with `{INSTALL}`, or take it away."
        )
    return ended.stdout
