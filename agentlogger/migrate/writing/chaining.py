"""Parts as Alembic's scripts, each the parent of the next."""

from __future__ import annotations

from collections.abc import Sequence

from alembic.operations import ops
from alembic.util import rev_id

from agentlogger.migrate.writing.batches import in_batches
from agentlogger.migrate.writing.phases import Part
from agentlogger.migrate.writing.saying import message_of


def chained(
    parts: Sequence[Part], whole: ops.MigrationScript, given: str | None
) -> list[ops.MigrationScript]:
    """A script for each part, in order; the first stands where the whole one would.

    Files are named by the second, and several are written in one, so among them the id decides
    how they sort: the ids are drawn together and handed out in their own order. `given` is the id
    that was asked for; of several files each has it with a number behind it.
    """
    ids = sorted(rev_id() for _ in parts)
    if given is not None:
        width = len(str(len(parts)))
        ids = [f"{given}_{number:0{width}}" for number in range(1, len(parts) + 1)]
    if len(parts) == 1:
        ids = [str(whole.rev_id)]
    scripts: list[ops.MigrationScript] = []
    for own, part in zip(ids, parts, strict=True):
        first = not scripts
        message = whole.message
        if len(parts) > 1:
            message = message_of(whole.message, [step.says for step in part.steps])
        scripts.append(
            ops.MigrationScript(
                rev_id=own,
                message=message,
                upgrade_ops=ops.UpgradeOps(in_batches(part.up)),
                downgrade_ops=ops.DowngradeOps(in_batches(part.down)),
                imports=set(whole.imports),
                head=whole.head if first else scripts[-1].rev_id,
                splice=whole.splice if first else None,
                branch_label=whole.branch_label if first else None,
                version_path=whole.version_path,
                depends_on=whole.depends_on if first else None,
            )
        )
    return scripts
