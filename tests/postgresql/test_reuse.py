"""A database that a test has used is like a new one, or is not given to the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL


@pytest.fixture
def used(postgresql_databases) -> Iterator[URL]:
    """A database of the template's, which is dropped after the test."""
    url = postgresql_databases._create(template=str(postgresql_databases.template.database))
    yield url
    postgresql_databases.drop(url)


def ask(url: URL, *statements: str) -> list[object]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        answers = [connection.execute(sa.text(statement)) for statement in statements]
        return [answer.scalar() for answer in answers if answer.returns_rows]


def test_rows_are_gone_and_what_the_template_has_is_back(postgresql_databases, used: URL):
    projects = "SELECT string_agg(name, ' ') FROM projects"
    receipts = "SELECT count(*) FROM receipts"
    before = ask(used, projects, receipts)
    ask(
        used,
        "DELETE FROM projects",
        "INSERT INTO projects (id, name, created_ns) VALUES (7, 'another', 1)",
        "INSERT INTO receipts (project_id, day, writer, stored, duplicates, refused)"
        " VALUES (7, 1, 1, 1, 0, 0)",
    )
    assert ask(used, projects, receipts) == ["another", 1]

    assert postgresql_databases._origin.restore(used)
    assert ask(used, projects, receipts) == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE left_behind ()",
        "ALTER TABLE projects RENAME COLUMN name TO title",
        "COMMENT ON COLUMN projects.name IS 'what people call it'",
        "CREATE FUNCTION seven() RETURNS int LANGUAGE sql AS 'SELECT 7'",
        "DROP TABLE receipts",
    ],
)
def test_who_has_another_schema_is_nobodys_any_more(
    postgresql_databases, used: URL, statement: str
):
    ask(used, statement)

    assert not postgresql_databases._origin.restore(used)
