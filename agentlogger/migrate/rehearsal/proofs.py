"""The proof of a revision, `proofs/REV.json`: what a rehearsal has shown of it, for git.

A proof holds counts, digests of schemas, and whether rows were the same: no value of a row, no
parameter, no literal of a statement, and no digest of rows, which anybody could try values against.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentlogger.migrate.causes import Unproved
from agentlogger.migrate.rehearsal.results import Rehearsal, Rehearsed, stamp
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown

FOLDER = "proofs"

DIGITS_SHOWN = 12
"""How much of a digest a sentence shows: enough to tell two files apart."""


def path_of(folder: Path, revision: str) -> Path:
    """Where the proof of a revision is, or would be."""
    return folder / FOLDER / f"{revision}.json"


def write(folder: Path, rehearsal: Rehearsal) -> list[Path]:
    """Write the proof of every revision that is as declared; returns the files.

    The proof of the other database stays in the file. Raises Unproved where it cannot be written.
    """
    written = []
    for one in rehearsal.revisions:
        if one.verdict.as_declared:
            path = path_of(folder, one.revision.revision)
            proofs = _read(path).get("proofs", {}) if path.exists() else {}
            proofs[rehearsal.backend] = _proof(rehearsal, one)
            told = {"revision": one.revision.revision, "proofs": dict(sorted(proofs.items()))}
            _replace(path, json.dumps(told, indent=1) + "\n")
            written.append(path)
    return written


def git_add(paths: Sequence[Path]) -> str:
    """What brings these files into the next commit."""
    folders = sorted({shown(path.parent) for path in paths})
    return f"git add {shlex.join(folders)}"


def verify(folder: Path, revisions: Sequence[Declared]) -> list[str]:
    """What the proofs lack, a sentence for each; [] where the folder has no proofs at all.

    Each revision must have a proof for every database that any of them has one for.
    """
    if not (folder / FOLDER).is_dir():
        return []
    files = {path.stem: path for path in (folder / FOLDER).glob("*.json")}
    found: list[str] = []
    known: dict[str, Mapping[str, Any]] = {}
    for name, path in sorted(files.items()):
        try:
            known[name] = _read(path)["proofs"]
        except (Unproved, KeyError):
            found.append(f"{shown(path)} cannot be read")
            known[name] = {}
    databases = sorted({database for proofs in known.values() for database in proofs})
    for one in revisions:
        found += _of(one, known.get(one.revision, {}), databases or [""])
    there = {one.revision for one in revisions}
    found += [
        f"{shown(path)} is of no revision that there is"
        for name, path in sorted(files.items())
        if name not in there
    ]
    return found


def check(folder: Path, revisions: Sequence[Declared]) -> None:
    """Raise Unproved, which names everything that `verify` finds and the next command."""
    findings = verify(folder, revisions)
    if findings:
        said = "\n".join(f"    {one}" for one in findings)
        raise Unproved(
            f"Not every revision is proved:\n\n{said}\n\nRun `flask db rehearse --all --prove` on "
            "a database of that kind, or delete what is left over, and commit "
            f"{shown(folder / FOLDER)}."
        )


def _of(one: Declared, proofs: Mapping[str, Any], databases: Sequence[str]) -> list[str]:
    what = f"revision {one.revision} ({shown(one.path)})"
    found = []
    missing = [database for database in databases if database not in proofs]
    if missing:
        where = f" on {' and '.join(missing)}" if any(missing) else ""
        found.append(f"{what} was not rehearsed{where}")
    stale = [
        database
        for database in databases
        if database in proofs and proofs[database].get("sha256") != one.sha256
    ]
    if stale:
        texts = {str(proofs[each].get("sha256"))[:DIGITS_SHOWN] for each in stale}
        found.append(
            f"{what} was edited since it was rehearsed on {' and '.join(stale)}: SHA-256 "
            f"{' and '.join(sorted(texts))} then, {one.sha256[:DIGITS_SHOWN]} now"
        )
    return found


def _proof(rehearsal: Rehearsal, one: Rehearsed) -> dict[str, Any]:
    return {
        "sha256": one.revision.sha256,
        "when": stamp(rehearsal.when),
        "server": rehearsal.server,
        "program": rehearsal.program,
        "verdict": one.verdict.word,
        "sentence": one.verdict.sentence,
        "reversible": one.revision.reversible,
        "fingerprints": one.fingerprints(),
        "rows": {name: one.rows(name) for name in one.tables},
        "rows_changed_by_upgrade": [str(change) for change in one.changes],
        "rows_not_given_back": [str(change) for change in one.losses],
        "up": _step(one, "up"),
        "down": _step(one, "down"),
    }


def _step(one: Rehearsed, direction: str) -> dict[str, Any] | None:
    step = one.first(direction)
    if step is None:
        return None
    told = step.as_json()
    return {key: told[key] for key in ("ms", "statements")}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("proofs"), dict):
            return found
    except (OSError, ValueError):
        pass
    raise Unproved(
        f"{shown(path)} is no proof that can be read: delete it, then run `flask db rehearse --all "
        "--prove` again."
    )


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    except OSError as fault:
        with suppress(OSError):
            unfinished.unlink()
        raise Unproved(
            f"{shown(path)} cannot be written ({fault.strerror}): give this user the right to "
            "write it, then run the same command again."
        ) from fault
