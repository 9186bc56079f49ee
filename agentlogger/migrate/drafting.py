"""Commands that compare the models with the database, or write a revision.

They are apart from those that only look, which then need not load what autogenerate consists of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import click
from alembic import context
from alembic.autogenerate import render, render_python_code
from alembic.autogenerate.api import AutogenContext
from alembic.script import Script
from sqlalchemy import Connection

from agentlogger.migrate.causes import Differs, SeveralHeads
from agentlogger.migrate.comparing import plugin
from agentlogger.migrate.comparing.comparison import Comparison
from agentlogger.migrate.comparing.former import former
from agentlogger.migrate.looking import looking
from agentlogger.migrate.revisions.folder import sentence_for_several_heads
from agentlogger.migrate.revisions.messages import judge
from agentlogger.migrate.revisions.owned import made_by, recordings
from agentlogger.migrate.revisions.recording import Recorded
from agentlogger.migrate.revisions.rendering import render_item, write_percent_signs_once
from agentlogger.migrate.revisions.seeing import (
    NameFilter,
    ObjectFilter,
    names_seen,
    objects_seen,
)
from agentlogger.migrate.task import Task
from agentlogger.migrate.writing.declarations import Declarations
from agentlogger.migrate.writing.finishing import finish_directives


def draft(task: Task) -> None:
    """Run check, revision, merge and their like. Raises Refused."""
    with plugin.quietly(), looking(task) as connection:
        if task.command == "merge" and not task.options.allows("allow-message"):
            judge(_told("message"))
        _configure(connection, task)


def _configure(connection: Connection, task: Task) -> None:
    declarations = Declarations(task.program)

    @cache
    def recorded() -> list[tuple[Script, Recorded]]:
        # Only where something is compared: it runs every revision's code to see what it makes.
        scripts = [task.script.get_revision(one.revision) for one in task.revisions]
        return recordings(scripts, context.get_context())

    @cache
    def filters() -> tuple[NameFilter, ObjectFilter]:
        owned = made_by(recorded(), context.get_context())
        return names_seen(task.metadata, unowned, owned), objects_seen(owned)

    @cache
    def comparison() -> Comparison:
        said = former((one for _, one in recorded()), context.get_context())
        tables = [one for one in task.metadata.tables.values() if one.name not in unowned]
        words = [one.partition(":") for one in task.options.words("rename")]
        renames = {old: new.rpartition(".")[2] for old, _, new in words}
        return Comparison(task.dialect, connection, tables, said, renames)

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        return filters()[0](name, kind, parents)

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, to: Any) -> bool:
        return filters()[1](item, name, kind, reflected, to)

    def finish(_context: Any, _revision: Any, directives: list[Any]) -> None:
        write_percent_signs_once(connection.dialect)
        _finish(task, directives, declarations, lambda: [one for _, one in recorded()])

    unowned = task.dialect.unowned(connection)
    connection.rollback()
    given = dict(task.dialect.CONTEXT_ARGUMENTS)
    context.configure(
        **task.arguments
        | given
        | {
            "connection": connection,
            "target_metadata": task.metadata,
            "compare_server_default": True,
            "process_revision_directives": finish,
            "include_name": include_name,
            "include_object": include_object,
            "render_item": render_item,
            "template_args": {"declarations": declarations},
            # Each operation that needs a batch is put into one, on whichever database it is found.
            "render_as_batch": True,
        }
        | plugin.arguments(task.arguments, comparison)
    )


def _told(name: str) -> str | None:
    """What the command line says of a revision or merge, some of which Alembic shows to no hook."""
    clicked = click.get_current_context(silent=True)
    given = clicked.params if clicked is not None else vars(context.config.cmd_opts)
    value = given.get(name)
    return None if value is None else str(value)


def _finish(
    task: Task,
    directives: list[Any],
    declarations: Declarations,
    recorded: Callable[[], Iterable[Recorded]],
) -> None:
    state = task.state
    assert state is not None  # noqa: S101  (looked up before)
    if task.command == "check":
        _refuse_differences(directives)
    if task.command not in {"revision", "migrate"}:
        return
    autogenerates = task.command == "migrate" or bool(
        getattr(context.config.cmd_opts, "autogenerate", False)
    )
    if directives and directives[0].head == "head" and len(state.tree_heads) > 1:
        raise SeveralHeads(sentence_for_several_heads(state.revisions, state.tree_heads))
    finish_directives(
        directives,
        task.options,
        task.metadata,
        recorded,
        declarations,
        autogenerates=autogenerates,
        given=_told("rev_id"),
    )
    _write_once(directives)


def _refuse_differences(directives: list[Any]) -> None:
    operations = directives[0].upgrade_ops
    if not operations.is_empty():
        lines = render_python_code(operations, render_item=render_item).splitlines()
        code = "\n".join(line for line in lines if not line.lstrip().startswith("#")).strip()
        raise Differs(
            "The models and the database differ, and a revision would do this:\n\n    "
            f'{code}\n\nWrite it with `flask db migrate -m "what it does"` (or `alembic revision '
            "--autogenerate -m ...`)."
        )


def _write_once(directives: list[Any]) -> None:
    """Let what cannot be written fail before the first of several files is there."""
    made = AutogenContext(context.get_context(), autogenerate=False)
    for one in directives:
        for operation in [*one.upgrade_ops.ops, *one.downgrade_ops.ops]:
            render.render_op_text(made, operation)
