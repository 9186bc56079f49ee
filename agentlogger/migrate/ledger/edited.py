"""Revisions whose files are not what this database was given of them."""

from __future__ import annotations

import shlex

from agentlogger.migrate.ledger import history
from agentlogger.migrate.ledger.graph import State
from agentlogger.migrate.ledger.replaced import is_text_of
from agentlogger.migrate.revisions.declared import Declared
from agentlogger.migrate.revisions.folder import shown


def edited(state: State) -> list[tuple[history.Entry, Declared]]:
    """What was applied from another text than the file has now."""
    known, applied = state.known, state.applied
    return [
        (entry, known[revision])
        for revision, entry in history.last_up(state.history).items()
        if revision in applied
        and revision in known
        and not is_text_of(known[revision], entry.sha256, state.revisions)
    ]


def sentence_for_edited(entry: history.Entry, revision: Declared) -> str:
    """What was recorded, and the ways on."""
    file = shlex.quote(shown(revision.path))
    return (
        f"Revision {entry.revision} ({entry.message}) was applied on {entry.when} UTC by "
        f"{entry.program} as {entry.sha256[:12]}, and {shown(revision.path)} is now "
        f"{revision.sha256[:12]}: an applied revision is history. Put the file back with `git "
        f"checkout -- {file}`, or as it was applied with `flask db log --source {entry.revision} "
        f"--output {file}`, and write a new revision; where only words were changed, -x "
        f"allow-edited={entry.revision} records the new text."
    )
