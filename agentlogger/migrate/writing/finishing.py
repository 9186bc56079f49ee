"""Completes what a `revision` command is about to write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import MetaData

from agentlogger.migrate.options import Options
from agentlogger.migrate.revisions.messages import judge
from agentlogger.migrate.revisions.recording import Recorded
from agentlogger.migrate.writing.chaining import chained
from agentlogger.migrate.writing.declarations import Declarations
from agentlogger.migrate.writing.drops import refuse_drops
from agentlogger.migrate.writing.filling import Filling
from agentlogger.migrate.writing.former import as_told
from agentlogger.migrate.writing.operations import flattened
from agentlogger.migrate.writing.recalling import Recalled
from agentlogger.migrate.writing.renames import with_renames
from agentlogger.migrate.writing.retyping import Retyping
from agentlogger.migrate.writing.splitting import Change, parts_of


def finish_directives(
    directives: list[Any],
    options: Options,
    metadata: MetaData,
    recordings: Callable[[], Iterable[Recorded]],
    declarations: Declarations,
    *,
    autogenerates: bool,
    given: str | None = None,
) -> None:
    """Judge and complete what is about to be written, in place: the one script may become several.

    `recordings` is what the revisions that there are do, parents first, asked for where something
    is written. `given` is the id that the revision was asked to have. Raises VagueMessage,
    WouldDrop for a drop that was not allowed, BadOption for an option that fits nothing, and
    Undecided and Unwritable for what cannot be written as it is.
    """
    if not directives:
        return
    whole = directives[0]
    judges = not options.allows("allow-message")
    if judges:
        judge(whole.message)
    if not autogenerates:
        return
    if whole.upgrade_ops.is_empty():
        directives[:] = []
        print("No changes in schema detected: no revision was written.", file=sys.stderr)  # noqa: T201
        return
    recalled = Recalled.of(recordings())
    found = as_told(flattened(whole.upgrade_ops), recalled)
    operations = with_renames(list(found), options)
    retyping = Retyping.told(operations, options)
    refuse_drops(operations, options, retyping.replaced)
    filling = Filling.told(metadata, retyping, recalled, options)
    parts = parts_of(Change(operations, metadata, filling, recalled))
    filling.refuse_unused()
    retyping.refuse_unused()
    scripts = chained(parts, whole, given)
    directives[:] = scripts
    for script, part in zip(scripts, parts, strict=True):
        declarations.declare(
            str(script.rev_id),
            phase=part.phase,
            reversible=part.reversible,
            needs_backfills=part.needs,
        )
        if judges:
            judge(script.message)
        line = f"Revision {script.rev_id} ({part.phase}): {script.message}"
        print(line, file=sys.stderr)  # noqa: T201
