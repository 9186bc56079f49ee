"""`flask db` and bare `alembic` are one tool: the same settings, database and names."""

from __future__ import annotations

import re
import subprocess
import sys
from types import ModuleType

import click
import pytest

from agentlogger.migrate.commands.doors import OWN
from agentlogger.migrate.dialect import Dialect
from agentlogger.migrate.task import DIALECTS
from tests.migrations.checkout import DOORS
from tests.newest_revision import HEAD

COMMANDS = [["upgrade", "head"], ["history"]]

ROOM = 54
"""Characters that a terminal of 80 has for a command's line in `flask db --help`."""


def test_the_database_is_printed_first_with_its_password_masked(checkout, door):
    checkout.url = checkout.url.replace("postgres@", "postgres:secret@")
    for command in COMMANDS:
        outcome = checkout.door(door, *command)

        assert outcome.code == 0, outcome.err
        assert outcome.err.splitlines()[0].startswith("Database: ")
        assert "secret" not in outcome.out + outcome.err


def test_a_revision_of_either_door_has_the_same_kind_of_name(checkout):
    checkout.bring("upgrade", "head")
    known = checkout.revisions()
    checkout.door("alembic", "revision", "-m", "by alembic")
    checkout.door("flask db", "revision", "-m", "by flask")

    pattern = re.compile(r"\d{8}_\d{6}_[0-9a-f]{12}_by_(alembic|flask)\.py")
    assert {bool(pattern.fullmatch(name)) for name in checkout.revisions() - known} == {True}


def test_flask_db_migrate_is_alembic_revision_autogenerate(checkout):
    checkout.bring("upgrade", "head")
    known = checkout.revisions()

    outcome = checkout.door("flask db", "migrate", "-m", "description of changes")

    assert outcome.code == 0, outcome.err
    assert "No changes in schema detected" in outcome.err
    assert checkout.revisions() == known


def test_each_command_of_ours_is_told_whole_in_the_list_of_commands():
    groups = [one for one in OWN.values() if isinstance(one, click.Group)]
    told = [*OWN.values(), *(one for group in groups for one in group.commands.values())]

    assert {"backfill", "pause", "status"} <= {one.name for one in told}
    assert [one.name for one in told if one.get_short_help_str(ROOM).endswith("...")] == []


def test_stamp_and_heads(checkout, door):
    checkout.bring("upgrade", "head")

    assert checkout.door(door, "stamp", "b7e3914fd25a").code == 0
    assert checkout.revision() == "b7e3914fd25a"
    assert checkout.door(door, "heads").out.strip() == f"{HEAD} (head)"


def test_both_doors_read_the_env_file_beside_wsgi(checkout, door):
    (checkout.folder / ".env").write_text(f"DATABASE_URL={checkout.url}\n")
    checkout.bring("upgrade", "8c40d2b6e713")

    outcome = checkout.run(*DOORS[door], "current", DATABASE_URL="")

    assert (outcome.code, outcome.out.strip()) == (0, "8c40d2b6e713")


def test_the_current_folders_env_file_means_nothing(checkout, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".env").write_text("DATABASE_URL=postgresql://nobody@127.0.0.1:1/wrong\n")
    checkout.bring("upgrade", "head")
    (checkout.folder / ".env").write_text(f"DATABASE_URL={checkout.url}\n")
    command = ["flask", "--app", "agentlogger.app", "db", "current"]

    outcome = checkout.run(*command, cwd=elsewhere, DATABASE_URL="")

    assert (outcome.code, outcome.out.strip()) == (0, f"{HEAD} (head)"), outcome.err


def test_the_environment_names_another_env_file(checkout, door, tmp_path):
    named = tmp_path / "production.env"
    named.write_text(f"DATABASE_URL={checkout.url}\n")
    checkout.bring("upgrade", "8c40d2b6e713")

    outcome = checkout.run(
        *DOORS[door], "current", DATABASE_URL="", AGENTLOGGER_ENV_FILE=str(named)
    )

    assert (outcome.code, outcome.out.strip()) == (0, "8c40d2b6e713")


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("DATABASE_URL", "postgresql://postgres@127.0.0.1:1/none", "cannot be used"),
        ("DATABASE_URL", "mysql://somewhere/else", "PostgreSQL or SQLite"),
        ("DATABASE_URL", "not a url", "not a database URL"),
        ("AGENTLOGGER_PORT", "eighty", "whole number"),
        ("AGENTLOGGER_ENV_FILE", "/nowhere/.env", "is not a file"),
    ],
)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_mistake_in_a_setting_is_one_sentence(checkout, door, setting, value, said):
    """On SQLite only: no database is reached."""
    outcome = checkout.run(*DOORS[door], "current", **{setting: value})

    assert outcome.code != 0
    assert said in outcome.err + outcome.out
    assert "Traceback" not in outcome.err + outcome.out


def test_a_mistyped_option_is_no_revision(checkout):
    outcome = checkout.door("flask db", "upgrade", "--again")

    assert outcome.code == 2
    assert "No such option" in outcome.err


def test_sql_is_written_without_touching_the_database(checkout, door):
    outcome = checkout.door(door, "upgrade", "head", "--sql")

    assert outcome.code == 0, outcome.err
    assert "CREATE TABLE users" in outcome.out
    assert checkout.revision() == ""


def without_its_serving_rooms(checkout) -> None:
    """Let the whole application be loaded no more."""
    (checkout.folder / "agentlogger" / "blueprints" / "__init__.py").write_text(
        "raise RuntimeError('a room that serves was loaded')\n"
    )


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_doors_load_no_room_that_serves(checkout, door):
    """On SQLite only: no part of it depends on the database."""
    without_its_serving_rooms(checkout)

    for command in (["upgrade", "head"], ["current"], ["check"]):
        assert checkout.door(door, *command).code == 0
    assert checkout.door("flask db", "status").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["flask", "users", "list"],
        ["flask", "--app", "own", "db", "current"],
        ["flask", "--app", "agentlogger.app", "db", "current"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_everybody_else_is_given_the_whole_application(checkout, words):
    """On SQLite only, as above. `own` is a person's own file with our factory in it."""
    checkout.bring("upgrade", "head")
    (checkout.folder / "own.py").write_text(
        "from agentlogger.app import create_app\n\napp = create_app()\n"
    )
    assert checkout.run(*words).code == 0
    without_its_serving_rooms(checkout)

    assert "a room that serves was loaded" in checkout.run(*words).err


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_database_answers_all_that_the_protocol_asks(name):
    """That it says the right thing is compared by mypy; here it is loaded."""
    asked = {one for one in vars(Dialect) if not one.startswith("_")}
    answers = {one: getattr(DIALECTS[name], one) for one in asked}

    assert len(answers) > 30
    assert {one for one, answer in answers.items() if isinstance(answer, ModuleType)} == set()


def test_who_connects_to_sqlite_alters_tables_as_sqlite_does():
    """In a process of its own: parts are loaded when they are asked for, and this one is not."""
    asked = (
        "import sys; from agentlogger.migrate.task import DIALECTS;"
        " DIALECTS['sqlite'].make_engine; print('agentlogger.migrate.sqlite.native' in sys.modules)"
    )

    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "True"
