"""`migrations.sum`: one line for each revision in history order, each sealed with all before it.

The chain makes the last line depend on every other, so two branches that each change the history
conflict in git when they are merged, and not when they are deployed. What a database keeps of an
applied revision is the digest of its file, never the chain.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory, write_hooks

from agentlogger.migrate.causes import Unsealed
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import load, shown

NAME = "migrations.sum"

HEADING = """\
# Every revision in history order: chain, SHA-256 of the file, revision, file.
# `flask db seal` writes this anew, also over a conflict: two branches have changed the history.
"""

LINE = re.compile(
    r"(?P<chain>[0-9a-f]{64}) (?P<sha256>[0-9a-f]{64}) (?P<revision>\S+) (?P<file>.+)"
)

CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)", re.MULTILINE)
"""What git writes into a file that it could not merge."""

DIGITS_SHOWN = 12
"""How much of a digest a sentence shows: enough to tell two files apart."""


@dataclass(frozen=True)
class Finding:
    """One thing that `migrations.sum` and the files do not say alike.

    `kind` is `edited`, `added`, `removed`, `reordered`, `chain`, `unreadable` or `missing`;
    `revision` is "" where it is about the whole of `migrations.sum`; `file` is the path to correct
    or to bring back.
    """

    kind: str
    revision: str
    file: str
    sentence: str


@dataclass(frozen=True)
class _Line:
    """What is recorded of a revision; `file` is relative to the folder, with slashes."""

    chain: str
    sha256: str
    revision: str
    file: str

    def __str__(self) -> str:
        return f"{self.chain} {self.sha256} {self.revision} {self.file}"


def seal(folder: Path, revisions: Sequence[Declared]) -> list[str]:
    """Write `migrations.sum` anew from the files, whatever it says now.

    Returns the revisions whose line is new or another than before, which includes all that follow
    one that has changed. Raises Unsealed where the file cannot be written.
    """
    before = set((_text(folder) or "").splitlines())
    lines = _chained(_new_line(folder, one) for one in revisions)
    _write(folder, lines)
    return [line.revision for line in lines if str(line) not in before]


def verify(folder: Path, revisions: Sequence[Declared]) -> list[Finding]:
    """What `migrations.sum` and the files do not say alike; [] where all is well.

    A file that has only another name is no finding. Raises Unsealed where `migrations.sum` is there
    and cannot be read.
    """
    path = shown(folder / NAME)
    text = _text(folder)
    if text is None:
        return [Finding("missing", "", path, f"{path} is not there")] if revisions else []
    recorded, broken = _recorded(path, text)
    if broken and not recorded:
        return broken
    return [
        *broken,
        *_other_files(folder, recorded, revisions),
        *_other_order(recorded, revisions),
    ]


def check(folder: Path, revisions: Sequence[Declared]) -> None:
    """Raise Unsealed, which names everything that `verify` finds and the next command."""
    findings = verify(folder, revisions)
    if not findings:
        return
    lost = {"edited", "removed", "chain"}
    files = list(dict.fromkeys(one.file for one in findings if one.kind in lost))
    restore = f"git checkout -- {shlex.join(files)}"
    raise Unsealed(
        f"{shown(folder / NAME)} and the revisions do not say the same: "
        f"{'; '.join(one.sentence for one in findings)}. Run `flask db seal`"
        + (f" where that is meant and was applied nowhere yet, else `{restore}`." if files else ".")
    )


@write_hooks.register("seal")
def seal_after_write(filename: str, options: Mapping[str, Any]) -> None:  # noqa: ARG001  (Alembic's)
    """Alembic's post-write hook `seal`: give a line to every revision that has none yet.

    What is recorded of the others stays, so that `verify` still tells which were edited or removed
    since. A `migrations.sum` that is broken or in conflict is left as it is, and that is said.
    Raises what `load` raises, and Unsealed where the file cannot be written.
    """
    written = Path(filename).resolve()
    folder = _folder_of(written)
    is_deeper = written.parent != folder / "versions"
    revisions = load(ScriptDirectory(str(folder), recursive_version_locations=is_deeper))
    recorded, broken = _recorded(shown(folder / NAME), _text(folder) or "")
    if broken:
        _say(f"Not sealed: {broken[0].sentence}. Run `flask db seal`.")
    elif written not in {one.path for one in revisions}:
        _say(f"Not sealed: {shown(written)} is not in {shown(folder / 'versions')}.")
    else:
        _write(folder, _chained(_with_new(folder, recorded, revisions)))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201  (to who runs the command)


def _folder_of(path: Path) -> Path:
    """The script directory of a revision's file: it holds `env.py`, and the folder of the file."""
    holding = (parent for parent in path.parents if (parent / "env.py").is_file())
    return next(holding, path.parent.parent)


def _with_new(
    folder: Path, recorded: Sequence[_Line], revisions: Sequence[Declared]
) -> list[_Line]:
    """The recorded lines, and new ones where history has them.

    A line whose file is gone stays behind the one that it stood behind.
    """
    known = {one.revision for one in revisions}
    sealed = {line.revision: line for line in recorded}
    gone: dict[str, list[_Line]] = {}
    last = ""
    for line in recorded:
        if line.revision in known:
            last = line.revision
        else:
            gone.setdefault(last, []).append(line)
    lines = gone.get("", [])
    for one in revisions:
        line = sealed.get(one.revision) or _new_line(folder, one)
        lines = [*lines, line, *gone.get(one.revision, [])]
    return lines


def _new_line(folder: Path, revision: Declared) -> _Line:
    """A line that is in no chain yet."""
    return _Line("", revision.sha256, revision.revision, _relative(folder, revision.path))


def _relative(folder: Path, path: Path) -> str:
    within, path = folder.resolve(), path.resolve()
    return path.relative_to(within).as_posix() if path.is_relative_to(within) else path.name


def _chained(lines: Iterable[_Line]) -> list[_Line]:
    chain = ""
    chained = []
    for line in lines:
        chain = _link(chain, line)
        chained.append(_Line(chain, line.sha256, line.revision, line.file))
    return chained


def _link(before: str, line: _Line) -> str:
    return hashlib.sha256(f"{before}{line.sha256}{line.revision}".encode()).hexdigest()


def _text(folder: Path) -> str | None:
    path = folder / NAME
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise Unsealed(
            f"{shown(path)} cannot be read ({fault.strerror}): make it readable, then run the same "
            "command again."
        ) from fault


def _recorded(path: str, text: str) -> tuple[list[_Line], list[Finding]]:
    """The lines, and what is wrong with them as they stand; none where one cannot be read."""
    if CONFLICT.search(text):
        said = f"{NAME} has the marks of a conflict in git"
        return [], [Finding("unreadable", "", path, said)]
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            said = f"line {number} of {NAME} cannot be read"
            return [], [Finding("unreadable", "", path, said)]
        lines.append(_Line(**match.groupdict()))
    return lines, _broken_chain(path, lines)


def _broken_chain(path: str, recorded: Sequence[_Line]) -> list[Finding]:
    """Lines whose chain does not follow from the line before: one was changed, or taken out."""
    chains = ["", *(line.chain for line in recorded)]
    return [
        Finding(
            "chain",
            line.revision,
            path,
            f"the chain of {NAME} breaks at revision {line.revision}: its line or the one before "
            "was changed otherwise than by sealing",
        )
        for before, line in zip(chains, recorded, strict=False)
        if line.chain != _link(before, line)
    ]


def _other_files(
    folder: Path, recorded: Sequence[_Line], revisions: Sequence[Declared]
) -> list[Finding]:
    sealed = {line.revision: line for line in recorded}
    known = {one.revision for one in revisions}
    findings = []
    for one in revisions:
        line, file = sealed.get(one.revision), shown(one.path)
        if line is None:
            said = f"revision {one.revision} ({file}) was added without being sealed"
            findings.append(Finding("added", one.revision, file, said))
        elif line.sha256 != one.sha256:
            said = (
                f"revision {one.revision} ({file}) was edited since it was sealed: SHA-256 "
                f"{line.sha256[:DIGITS_SHOWN]} then, {one.sha256[:DIGITS_SHOWN]} now"
            )
            findings.append(Finding("edited", one.revision, file, said))
    for line in recorded:
        if line.revision not in known:
            file = shown(folder / line.file)
            said = f"revision {line.revision} ({file}) was sealed and its file is gone"
            findings.append(Finding("removed", line.revision, file, said))
    return findings


def _other_order(recorded: Sequence[_Line], revisions: Sequence[Declared]) -> list[Finding]:
    sealed = {line.revision for line in recorded}
    files = {one.revision: shown(one.path) for one in revisions}
    now = [one.revision for one in revisions if one.revision in sealed]
    then = [line.revision for line in recorded if line.revision in files]
    return [
        Finding(
            "reordered",
            is_,
            files[is_],
            f"the history has revision {is_} ({files[is_]}) where {NAME} has {was}",
        )
        for is_, was in zip(now, then, strict=False)
        if is_ != was
    ][:1]


def _write(folder: Path, lines: Iterable[_Line]) -> None:
    """Replace the file in one step, so that no reader finds half of it."""
    path = folder / NAME
    unfinished = folder / f".{NAME}.{os.getpid()}"
    text = HEADING + "".join(f"{line}\n" for line in lines)
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        os.replace(unfinished, path)  # noqa: PTH105  (named so, the step is atomic on every system)
    except OSError as fault:
        with suppress(OSError):
            unfinished.unlink()
        raise Unsealed(
            f"{shown(path)} cannot be written ({fault.strerror}): give this user the right to "
            "write it, then run `flask db seal`."
        ) from fault
