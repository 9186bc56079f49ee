"""What the database has and does not rely on: it counts as there, and is told."""

from __future__ import annotations

from agentlogger.migrate.comparing.comparison import Comparison


def tell_unfinished(comparison: Comparison) -> None:
    """Say which indexes are INVALID and which constraints were never checked."""
    tables = {table.name for table in comparison.tables}
    left = [one for one in comparison.dialect.leftovers(comparison.connection)
            if one.table in tables]  # fmt: skip
    if left:
        named = ", ".join(f"{one.kind} {one.name} of {one.table}" for one in left)
        comparison.say(
            f"INVALID or NOT VALID in the database, and taken for what they say: {named}. No "
            "revision finishes them: `flask db drift` says how to."
        )


def tell_failures(comparison: Comparison) -> None:
    """Say which tables could not be compared in full, and why."""
    reasons: dict[str, list[str]] = {}
    for table, reason in comparison.wordings.failures.items():
        reasons.setdefault(reason, []).append(table)
    for reason, names in reasons.items():
        comparison.say(
            f"The database cannot tell how it would make {', '.join(sorted(names))} of the models "
            f"({reason}): defaults, CHECKs, computed columns and what indexes say beyond their "
            "columns were not compared. `flask db drift` compares them in a database of their own."
        )
