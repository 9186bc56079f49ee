"""The name that a constraint or an index has in the database."""

from __future__ import annotations

from sqlalchemy import Constraint, Index
from sqlalchemy.engine import Dialect as SQLDialect


def final_name(constraint: Constraint | Index, dialect: SQLDialect) -> str | None:
    """The name of one of them as the naming convention makes it; None where it has none."""
    if constraint.name is None:
        return None
    formatted = dialect.identifier_preparer.format_constraint(constraint)
    if formatted is None:
        return None
    text = str(formatted)
    return text[1:-1].replace('""', '"') if text.startswith('"') else text
