"""The revisions of a folder in history order, and what is wrong with them, in words.

Alembic loads a folder when it is first asked for a revision, and answers a missing parent with a
KeyError, a second file of one revision with a warning, and a mistake in a file with a traceback.
"""

from __future__ import annotations

import heapq
import shlex
import traceback
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError, RevisionMap
from alembic.util import rev_id

from agentlogger.migrate.causes import DuplicateId, MissingParent, Unreadable
from agentlogger.migrate.ledger.graph import heads_of
from agentlogger.migrate.revisions.declared import Declared, declared

JOURNAL = ".squash.json"
"""Where a squash keeps what it is about to write; it is there only after a kill in the middle."""


def load(script: ScriptDirectory, *, finishing: bool = False) -> list[Declared]:
    """Every revision of the folder as it is now, parents first, and by id where there is a choice.

    What `script` has loaded before is not looked at. `depends_on` counts as a parent. Raises
    Unreadable, DuplicateId or MissingParent; Unreadable too where a squash was killed while it
    wrote, unless this is who finishes it.
    """
    if not finishing and (Path(script.dir) / JOURNAL).exists():
        raise Unreadable(
            f"A squash was killed while it wrote the files in {shown(Path(script.dir))}, so they "
            "are neither what they were nor what they shall be: `flask db squash` finishes it; "
            f"what it does stands in {shown(Path(script.dir) / JOURNAL)}."
        )
    scripts = _scripts(script)
    _refuse_duplicates(scripts)
    labels = {label: one.revision for one in scripts for label in one.branch_labels}
    by_id = {one.revision: one for one in scripts}
    _refuse_missing_parents(scripts, {*by_id, *labels})
    order = _in_order(by_id, labels)
    try:
        # It resolves labels in the parents of the scripts that it is given.
        _ = RevisionMap(lambda: scripts).heads
    except RevisionError as fault:
        raise Unreadable(
            f"The revisions in {shown(Path(script.dir))} are no history ({_one_line(fault)}): "
            "correct the file that says so, then run the same command again."
        ) from fault
    return [_declared(by_id[revision]) for revision in order]


def several_heads(revisions: Iterable[Declared]) -> tuple[str, ...]:
    """The heads where there is more than one, sorted; () where the history has one end.

    A revision that another depends on is no head, as in the database's version row.
    """
    heads = heads_of(revisions)
    return heads if len(heads) > 1 else ()


def sentence_for_several_heads(revisions: Iterable[Declared], heads: Sequence[str]) -> str:
    """What `causes.SeveralHeads` says: each head with its message and file, and the cure."""
    known = {one.revision: one for one in revisions}
    named = [
        f'{head} ("{_one_line(known[head].message)}", {shown(known[head].path)})' for head in heads
    ]
    merge = f'merge -m "merge branches" {shlex.join(heads)}'
    return (
        f"Multiple head revisions are present, {', '.join(named[:-1])} and {named[-1]}, so none is "
        f"the newest: join them with `flask db {merge}` (`alembic {merge}` does the same), then "
        "run the same command again."
    )


def shown(path: Path) -> str:
    """A path as a person in the working directory would type it."""
    here, there = Path.cwd().resolve(), path.resolve()
    return there.relative_to(here).as_posix() if there.is_relative_to(here) else str(there)


def _scripts(script: ScriptDirectory) -> list[Script]:
    # Private, as the public ways load all files at once and do not tell which one failed.
    locations = [one for one in script._version_locations if one.exists()]  # noqa: SLF001  (above)
    paths = [
        path.resolve()
        for location in locations
        for path in Script._list_py_dir(script, location)  # noqa: SLF001  (above)
    ]
    found = [_script(script, path) for path in dict.fromkeys(paths)]
    return [one for one in found if one is not None]


def _script(script: ScriptDirectory, path: Path) -> Script | None:
    """The revision in a file; None for a file that is no revision by its name."""
    try:
        return Script._from_path(script, path)  # noqa: SLF001  (as in `_scripts`)
    except (Exception, SystemExit) as fault:  # a file is code, and code can fail in any way
        raise Unreadable(
            f"{shown(path)} cannot be loaded{_place(path, fault)} ({type(fault).__name__}: "
            f"{_one_line(fault)}): correct the file, then run the same command again."
        ) from fault


def _place(path: Path, fault: BaseException) -> str:
    """In which line of the file it went wrong, where the fault tells."""
    line: int | None = None
    if isinstance(fault, SyntaxError) and fault.filename == str(path):
        line = fault.lineno
    else:
        for frame in traceback.extract_tb(fault.__traceback__):
            if frame.filename == str(path):
                line = frame.lineno
    return f" at line {line}" if line else ""


def _one_line(said: object) -> str:
    text = said.msg if isinstance(said, SyntaxError) else str(said)
    return " ".join(text.split()) or "no message"


def _refuse_duplicates(scripts: Sequence[Script]) -> None:
    files: dict[str, Path] = {}
    for one in sorted(scripts, key=lambda one: Path(one.path).name):
        first = files.setdefault(one.revision, Path(one.path))
        if first != Path(one.path):
            # File names begin with their time: the later one is the copy, as a rule.
            raise DuplicateId(
                f"{shown(first)} and {shown(Path(one.path))} both say that they are revision "
                f"{one.revision}: give the copy an id of its own, such as `revision = "
                f'"{rev_id()}"` in {shown(Path(one.path))}, or delete it.'
            )


def _refuse_missing_parents(scripts: Iterable[Script], known: set[str]) -> None:
    for one in scripts:
        path = Path(one.path)
        for variable, verb, parents in (
            ("down_revision", "follows", one._versioned_down_revisions),  # noqa: SLF001  (a tuple)
            ("depends_on", "depends on", _tuple(one.dependencies)),
        ):
            missing = [parent for parent in parents if parent not in known]
            if missing:
                files = shlex.quote(f"{shown(path.parent)}/*{missing[0]}*")
                log = f"git log --all --oneline --diff-filter=AM -- {files}"
                raise MissingParent(
                    f"{shown(path)} {verb} revision {missing[0]}, which has no file here: find it "
                    f"with `{log}` and bring it back with `git checkout COMMIT -- {files}`, or "
                    f"correct `{variable}` in {shown(path)}."
                )


def _in_order(by_id: Mapping[str, Script], labels: Mapping[str, str]) -> list[str]:
    """Ids of revisions: of those whose parents are placed, the smallest comes next."""
    sorter = TopologicalSorter(
        {
            revision: [
                parent if parent in by_id else labels[parent]
                for parent in (*one._versioned_down_revisions, *_tuple(one.dependencies))  # noqa: SLF001  (a tuple)
            ]
            for revision, one in by_id.items()
        }
    )
    try:
        sorter.prepare()
    except CycleError as fault:
        # The first is named again at the end.
        files = [shown(Path(by_id[revision].path)) for revision in fault.args[1][1:]]
        raise Unreadable(
            f"{', '.join(files)} follow each other in a circle, so none can be the first: correct "
            "`down_revision` or `depends_on` in one of them, then run the same command again."
        ) from fault
    ready: list[str] = []
    order: list[str] = []
    while sorter.is_active():
        for revision in sorter.get_ready():
            heapq.heappush(ready, revision)
        order.append(heapq.heappop(ready))
        sorter.done(order[-1])
    return order


def _declared(script: Script) -> Declared:
    try:
        return declared(script)
    except (OSError, ValueError) as fault:
        raise Unreadable(
            f"{shown(Path(script.path))} cannot be read as UTF-8 text ({_one_line(fault)}): "
            "correct the file, then run the same command again."
        ) from fault


def _tuple(names: str | Iterable[str] | None) -> tuple[str, ...]:
    """What Alembic takes as a name, several or none."""
    return (names,) if isinstance(names, str) else tuple(names or ())
