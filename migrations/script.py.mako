"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}

Before this is applied anywhere: read it, say above which rows and locks it touches, and take it
up, down and up again on a copy of real data (docs/migrations.md). Once it is applied anywhere, it
is history: write another one instead. It imports nothing of the application.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}
# expand, online, backfill or contract; "yes", "loses data" or why not (docs/migrations.md).
% for name, value in declarations(up_revision).items():
${name} = ${repr(value)}
% endfor


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
