"""Every command of the guide works as the guide spells it, by both doors, on both databases.

`tests/corpus/guide.md` is the document that the project was founded on, verbatim.
"""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
from sqlalchemy import create_engine, inspect

from agentlogger.migrate.causes import VagueMessage
from tests.migrations.checkout import BIN, ROOT
from tests.newest_revision import BEFORE_HEAD, HEAD, NEWEST

GUIDE = (ROOT / "tests" / "corpus" / "guide.md").read_text()

MIDDLE = "8c40d2b6e713"

BEFORE = {
    'alembic revision --autogenerate -m "description of changes"': "upgrade head",
    'alembic revision -m "description of changes"': "upgrade head",
    "alembic upgrade head": "downgrade base",
    "alembic upgrade revision_id": "downgrade base",
    "alembic upgrade +1": "downgrade base",
    "alembic upgrade +2": "downgrade base",
    "alembic downgrade revision_id": "upgrade head",
    "alembic downgrade -1": "upgrade head",
    "alembic downgrade -2": "upgrade head",
    "alembic downgrade base": "upgrade head",
    "alembic current": "upgrade head",
    "alembic history": "upgrade head",
    'alembic revision --autogenerate -m "add user full_name column"': "upgrade head",
    'alembic revision --autogenerate -m "your message"': "upgrade head",
}
"""What brings the database to where each command makes sense."""

AFTER = {
    "alembic upgrade head": HEAD,
    "alembic upgrade revision_id": MIDDLE,
    "alembic upgrade +1": "5f1c7a9e2b04",
    "alembic upgrade +2": MIDDLE,
    "alembic downgrade revision_id": MIDDLE,
    "alembic downgrade -1": BEFORE_HEAD,
    "alembic downgrade -2": NEWEST[2],
    "alembic downgrade base": "",
}
"""The revision that the database must be at afterwards."""

BAD = 'alembic revision --autogenerate -m "update users"'
"""The guide's example of a message that says nothing: it is refused."""

MERGE = 'alembic merge -m "merge branches" revision1 revision2'
PSQL = 'psql -U postgres -d agentlogger_dev -c "\\d users"'


def commands() -> list[str]:
    """Every command line of the guide, once, without its comment."""
    blocks = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(line for line in lines if line))


def as_arguments(command: str) -> list[str]:
    """What follows the door's name in a command of the guide."""
    return shlex.split(command.replace("revision_id", MIDDLE))[1:]


def test_every_command_of_the_guide_is_run_here():
    assert set(commands()) == {*BEFORE, BAD, MERGE, PSQL}


def test_every_command_of_the_guide_stands_in_the_projects_own_page():
    page = (ROOT / "docs" / "migrations.md").read_text()

    assert [command for command in commands() if command not in page] == []


def test_the_commands_of_the_guide(checkout, door):
    known = checkout.revisions()
    for command, before in BEFORE.items():
        checkout.bring(*before.split())

        outcome = checkout.door(door, *as_arguments(command))

        assert outcome.code == 0, f"{command}: {outcome.out}{outcome.err}"
        if command in AFTER:
            assert checkout.revision() == AFTER[command], command
        written = checkout.revisions() - known
        assert len(written) == (command == 'alembic revision -m "description of changes"'), command
        for name in written:
            (checkout.folder / "migrations" / "versions" / name).unlink()


def test_the_guides_bad_message_is_refused_with_an_example(checkout, door):
    checkout.bring("upgrade", "head")

    outcome = checkout.door(door, *as_arguments(BAD))

    assert outcome.code == VagueMessage.exit_code, outcome.err
    assert '"add user full_name column"' in outcome.err


def test_two_branches_are_merged_as_the_guide_says(checkout, door):
    checkout.bring("upgrade", "head")
    for name in ("one", "two"):
        options = ["--splice", "--head", HEAD, "--rev-id", name]
        assert checkout.door(door, "revision", "-m", f"branch {name}", *options).code == 0
    stuck = checkout.door(door, "upgrade", "head")
    assert stuck.code != 0
    assert "Multiple head revisions are present" in stuck.out + stuck.err

    merged = checkout.door(door, "merge", "-m", "merge branches", "one", "two")

    assert merged.code == 0, merged.err
    assert checkout.door(door, "upgrade", "head").code == 0
    assert len(checkout.door(door, "heads").out.strip().splitlines()) == 1


def test_the_worked_example_adds_a_column(checkout, door):
    """The guide's example from the model to the database: a revision of ours, made anew."""
    versions = checkout.folder / "migrations" / "versions"
    next(versions.glob("*_e91f6c05a8d7_*.py")).unlink()
    behind = next(versions.glob("*_2ba55a29acd7_*.py"))
    behind.write_text(behind.read_text().replace("e91f6c05a8d7", "b7e3914fd25a"))
    model = checkout.folder / "agentlogger" / "models" / "users.py"
    column = "    full_name: Mapped[str | None] = mapped_column(String)\n"
    with_column = model.read_text()
    assert column in with_column
    model.write_text(with_column.replace(column, ""))
    checkout.bring("upgrade", "b7e3914fd25a")
    assert checkout.door(door, "upgrade", "head").code == 0
    assert "full_name" not in columns(checkout)
    known = checkout.revisions()

    model.write_text(with_column)
    message = "add user full_name column"
    generated = checkout.door(door, "revision", "--autogenerate", "-m", message)

    assert generated.code == 0, generated.err
    (name,) = checkout.revisions() - known
    assert re.fullmatch(r"\d{8}_\d{6}_[0-9a-f]{12}_add_user_full_name_column\.py", name)
    assert "'full_name', sa.String(), nullable=True" in (versions / name).read_text()
    assert checkout.door(door, "upgrade", "head").code == 0
    assert "full_name" in columns(checkout)
    assert checkout.door(door, "downgrade", "-1").code == 0
    assert "full_name" not in columns(checkout)


def columns(checkout) -> set[str]:
    engine = create_engine(checkout.url)
    found = {column["name"] for column in inspect(engine).get_columns("users")}
    engine.dispose()
    return found


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_psql_shows_the_column_as_the_guide_says(checkout, databases):
    """On PostgreSQL only: psql is PostgreSQL's."""
    psql = shutil.which("psql") or str(next(BIN.parent.rglob("pginstall18/bin/psql")))
    checkout.bring("upgrade", "head")

    outcome = checkout.run(
        psql, *shlex.split(PSQL)[1:3], "-d", checkout.url.rpartition("/")[2], "-c", "\\d users",
        PGHOST=str(databases.server.host), PGPORT=str(databases.server.port),
    )  # fmt: skip

    assert outcome.code == 0, outcome.err
    assert re.search(r"full_name +\| character varying", outcome.out)
    assert re.search(r'"ix_users_email" UNIQUE, btree \(email\)', outcome.out)
