"""Revisions that a test adds to its copy of the checkout."""

from __future__ import annotations

import textwrap

from alembic.script import ScriptDirectory

from tests.migrations.checkout import Checkout

FILE = '''\
"""{message}

Revision ID: {revision}
Revises: {parent}
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{parent}"
branch_labels = None
depends_on = None
phase = "{phase}"
reversible = True


def upgrade():
{up}

def downgrade():
{down}
'''


def head(checkout: Checkout) -> str:
    """The newest revision of a copy. Raises CommandError where it has more than one."""
    found = ScriptDirectory(str(checkout.folder / "migrations")).get_current_head()
    assert found is not None
    return found


def add_revision(
    checkout: Checkout,
    revision: str,
    message: str,
    up: str,
    down: str = "pass",
    *,
    phase: str = "expand",
) -> str:
    """Write one more revision at the end of a copy's history; return its id."""
    parent = head(checkout)
    path = checkout.folder / "migrations" / "versions" / f"{revision}.py"
    path.write_text(
        FILE.format(
            message=message,
            revision=revision,
            parent=parent,
            phase=phase,
            up=_indented(up),
            down=_indented(down),
        )
    )
    return revision


def seal(checkout: Checkout) -> None:
    """Let `migrations.sum` say what the files say, where a checkout has one."""
    if (checkout.folder / "migrations" / "migrations.sum").exists():
        sealed = checkout.door("flask db", "seal")
        assert sealed.code == 0, sealed.err


def _indented(code: str) -> str:
    return textwrap.indent(textwrap.dedent(code).strip("\n") + "\n", "    ")
