"""The files of one run: their order, their messages, and what is said of them."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from agentlogger.migrate.revisions.messages import judge
from tests.migrations.writing.desk import Desk, in_chain, phases, told


def parts(*columns: sa.Column):
    def models(metadata: sa.MetaData) -> None:
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("parts", metadata, key, *[one._copy() for one in columns])

    return models


INDEXED = parts(*[sa.Column(f"c{number}", sa.Integer, index=True) for number in range(6)])


def test_files_of_one_second_sort_as_they_follow_each_other(desk: Desk):
    """The name of a file has the second and then the id, so the ids must rise."""
    with (desk.project.folder / "pyproject.toml").open("r+") as settings:
        text = settings.read()
        settings.seek(0)
        template = 'file_template = "%%(year)d%%(minute).2d%%(second).2d_%%(rev)s_%%(slug)s"\n'
        settings.write(text.replace("[tool.alembic]\n", "[tool.alembic]\n" + template))
    desk.begin(parts())

    files = desk.change(INDEXED)

    assert phases(files) == ["expand", *["online"] * 6]
    assert in_chain(files)


def test_each_file_says_what_the_whole_is_for_and_what_it_does(desk: Desk):
    desk.begin(parts())
    desk.model(INDEXED)

    outcome, files = desk.generate(message="add parts counters")

    messages = [path.read_text().partition("\n")[0].strip('"') for path in files]
    assert messages[:2] == [
        (
            "add parts counters: add column parts.c0, add column parts.c1, add column parts.c2"
            " and 3 more"
        ),
        "add parts counters: create index ix_parts_c0",
    ]
    for message in messages:
        judge(message)
    lines = [line for line in outcome.err.splitlines() if line.startswith("Revision ")]
    assert lines == [
        f"Revision {told(path, 'revision')} ({told(path, 'phase')}): {message}"
        for path, message in zip(files, messages, strict=True)
    ]


@pytest.mark.promise
def test_each_file_is_sealed(desk: Desk):
    desk.begin(parts())

    files = desk.change(INDEXED)

    sums = (desk.project.folder / "migrations" / "migrations.sum").read_text()
    places = [sums.index(path.name) for path in files]
    assert places == sorted(places)
    assert desk.project.door("flask db", "verify").code == 0


@pytest.mark.promise
@pytest.mark.parametrize(
    "columns",
    [
        [sa.Column("name", sa.Text)],
        [sa.Column("name", sa.Text), sa.Column("size", sa.Integer, server_default="0")],
    ],
)
def test_a_change_of_one_phase_is_one_file_with_the_message_as_it_is(desk: Desk, columns):
    desk.begin(parts())
    desk.model(parts(*columns))

    outcome, (path,) = desk.generate(message="add parts name column")

    assert path.read_text().startswith('"""add parts name column\n')
    assert told(path, "needs_backfills") is None
    assert len(re.findall("^Revision ", outcome.err, re.MULTILINE)) == 1


@pytest.mark.promise
def test_a_new_table_stays_together_with_what_is_on_it(desk: Desk):
    desk.begin(parts())

    def more(metadata: sa.MetaData) -> None:
        parts()(metadata)
        key = sa.Column("id", sa.Integer, primary_key=True)
        part = sa.Column("part_id", sa.ForeignKey("parts.id"), nullable=False, index=True)
        sa.Table("marks", metadata, key, part, sa.Column("code", sa.Text, unique=True))

    files = desk.change(more)

    assert phases(files) == ["expand"]
    assert "_online" not in files[0].read_text()
    desk.round_trip(files, "SELECT id FROM parts")


@pytest.mark.promise
def test_a_check_sees_the_whole_change_once(desk: Desk):
    desk.begin(parts())
    desk.model(INDEXED)

    outcome = desk.project.door(desk.door, "check")

    assert outcome.code == 11
    assert outcome.err.count("create_index") == 6
    assert "Revision " not in outcome.err


@pytest.mark.promise
def test_an_id_that_was_asked_for_is_counted_on_where_there_are_several(desk: Desk):
    desk.begin(parts())
    desk.model(parts(sa.Column("name", sa.Text)))
    _, (one,) = desk.generate(words=("--rev-id", "fff777"))
    assert told(one, "revision") == "fff777"
    desk.project.upgrade()
    desk.model(INDEXED)

    outcome, files = desk.generate("allow-drop=parts.name", words=("--rev-id", "fff888"))

    assert outcome.code == 0, outcome.err
    assert [told(path, "revision") for path in files] == [f"fff888_{one}" for one in range(1, 9)]
    assert in_chain(files)


@pytest.mark.promise
def test_a_merge_and_a_file_by_hand_declare_what_is_to_be_read(desk: Desk):
    desk.begin(parts())
    (start,) = desk.project.versions.glob("*.py")
    for name in ("aaa", "bbb"):
        desk.project.add(name, told(start, "revision"))
    before = set(desk.project.versions.glob("*.py"))

    merged = desk.project.door(desk.door, "merge", "-m", "merge two lines of parts", "heads")

    assert merged.code == 0, merged.err
    (path,) = set(desk.project.versions.glob("*.py")) - before
    found = [told(path, name) for name in ("phase", "reversible", "release", "needs_backfills")]
    assert found == ["expand", "yes", "1.0", None]
