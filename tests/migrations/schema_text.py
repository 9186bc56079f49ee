"""A schema as text, the same for the same schema, so that two can be compared and committed.

The tables that the migration room keeps for itself are no part of it.

`python -m tests.migrations.schema_text` writes migrations/schema.*.txt anew.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL, make_url

from agentlogger.app import create_app
from agentlogger.models.database import db
from tests.conftest import settings_for
from tests.postgresql.server import start_server

SQLITE = """
SELECT upper(type) || ' ' || name AS head, sql FROM sqlite_master
WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'migration@_%' ESCAPE '@'
ORDER BY type DESC, name
"""

POSTGRESQL_COLUMNS = """
SELECT c.relname, CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) ELSE '' END AS parts,
       a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
       pg_get_expr(d.adbin, d.adrelid) AS default_value
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname NOT LIKE 'migration\\_%'
ORDER BY c.relname, a.attname
"""

POSTGRESQL_CONSTRAINTS = """
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conparentid = 0 AND contype <> 'n'
  AND conrelid::regclass::text NOT LIKE 'migration\\_%'
  AND NOT (SELECT relispartition FROM pg_class WHERE oid = conrelid) ORDER BY 1
"""

POSTGRESQL_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
  AND c.relname NOT LIKE 'migration\\_%' ORDER BY 1
"""

POSTGRESQL_PARTITIONS = """
SELECT c.relname || ' ' || pg_get_expr(c.relpartbound, c.oid) FROM pg_class c
WHERE c.relispartition AND c.relkind = 'r' AND c.relname !~ '_[0-9]{8}$' ORDER BY 1
"""


def schema_text(engine: Engine) -> str:
    """The whole schema behind an engine, one line or block a thing, in a fixed order."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.execute(text(SQLITE)).all()
            return "\n".join(f"{head}\n{sql or ''}".strip() + "\n" for head, sql in rows)
        lines, table = [], None
        for name, parts, column, kind, required, default in connection.execute(
            text(POSTGRESQL_COLUMNS)
        ):
            if name != table:
                table = name
                lines.append(f"\nTABLE {name}" + (f" PARTITION BY {parts}" if parts else ""))
            must = " NOT NULL" if required else ""
            lines.append(f"  {column} {kind}{must}" + (f" DEFAULT {default}" if default else ""))
        for title, query in (
            ("CONSTRAINTS", POSTGRESQL_CONSTRAINTS),
            ("INDEXES", POSTGRESQL_INDEXES),
            ("PARTITIONS", POSTGRESQL_PARTITIONS),
        ):
            lines.append(f"\n{title}")
            lines += [f"  {line}" for line in connection.execute(text(query)).scalars()]
        return "\n".join(lines).strip() + "\n"


def write(url: URL, folder: Path) -> None:
    """Migrate an empty database and write its schema beside the revisions."""
    app = create_app(settings_for(url, folder))
    with app.app_context():
        command.upgrade(app.extensions["migrations"].configuration(quiet=True), "head")
        name = f"schema.{db.engine.dialect.name}.txt"
        (Path(__file__).parents[2] / "migrations" / name).write_text(schema_text(db.engine))
        db.engine.dispose()


if __name__ == "__main__":
    server = start_server()
    with tempfile.TemporaryDirectory() as made:
        write(URL.create("sqlite", database=f"{made}/schema.db"), Path(made))
        write(make_url(server.url()), Path(made))
    server.stop()
