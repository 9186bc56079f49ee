"""A revision that needs a backfill waits for it, by both doors and at a server's start."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from agentlogger.migrate.backfills.guard import unfinished
from agentlogger.migrate.backfills.progress import Backfill
from agentlogger.migrate.causes import BackfillUnfinished, Refused
from agentlogger.migrate.revisions.declared import Declared, declared
from tests.migrations.backfills.filling import NAME
from tests.migrations.rehearsal.stage import only, rehearsed


@pytest.fixture
def waiting(people):
    """A backfill that is not finished, whatever the database, and a revision that needs it."""
    people.upgrade()
    people.run("UPDATE people SET full_name = NULL WHERE id > 1")
    people.change(state="running", rows_done=1)
    people.require()
    return people


def test_it_is_refused_with_how_far_that_is_and_what_finishes_it(waiting, door):
    told = waiting.door(door, "upgrade", "head")

    assert (told.code, waiting.heads()) == (35, "bbb222")
    assert "needs the backfill people_full_name of revision bbb222" in told.err
    assert "(running, 33 %, 1 of about 3 rows)" in told.err
    assert (
        "finish it with `flask db backfill run people_full_name`, then run `flask db upgrade` again"
        in told.err
    )


def test_what_the_sentence_says_is_the_way_on_and_a_way_back_asks_for_none(waiting):
    assert waiting.door("flask", "backfill", "run", NAME).code == 0

    assert waiting.door("flask", "upgrade").code == 0

    assert (waiting.heads(), waiting.wrong()) == ("ccc333", 0)
    waiting.change(state="running")
    waiting.downgrade("aaa111")
    assert (waiting.heads(), waiting.backfills()) == ("aaa111", [])


def test_the_revisions_before_it_are_applied(people):
    people.require()
    people.app.config["MIGRATE_BACKFILL_INLINE"] = "0"
    is_sqlite = people.url.get_backend_name() == "sqlite"

    told = people.door("flask", "upgrade")

    # SQLite has filled it at once.
    assert (told.code, people.heads()) == ((0, "ccc333") if is_sqlite else (35, "bbb222"))


def test_rows_that_came_after_it_was_finished_are_filled_before_what_needs_them(people):
    people.upgrade()
    people.run("INSERT INTO people (id, first_name, last_name) VALUES (9, 'older', 'program')")
    people.require()

    people.upgrade()

    assert (people.heads(), people.wrong()) == ("ccc333", 0)


def test_rows_that_come_again_and_again_stop_what_needs_them(people):
    people.upgrade()
    people.change(set_sql=json.dumps([["full_name", "'x' || random()"]]), where_sql="id > 0")
    people.door("flask", "backfill", "resume", NAME)
    people.require()

    with pytest.raises(BackfillUnfinished, match="and still come, by an older program"):
        people.upgrade()

    assert people.heads() == "bbb222"


def test_one_that_the_database_does_not_know_was_done_before_anybody_kept_it(people):
    people.upgrade()
    people.run("DELETE FROM migration_backfills")
    people.require()

    people.upgrade()

    assert people.heads() == "ccc333"


def test_one_that_no_revision_before_has_is_a_mistake(people):
    people.add("ccc333", "bbb222", needs_backfills=("people_ful_name",))

    with pytest.raises(Refused, match=r"\(there are: people_full_name\): correct"):
        people.upgrade()

    assert people.heads() == "bbb222"


def test_a_server_starts_without_what_is_left_for_later_and_is_ready(waiting, capsys):
    with waiting.at_work(), waiting.app.app_context():
        waiting.migrations.upgrade()

        with waiting.engine.connect() as connection:
            verdict = waiting.migrations.verdict(connection)

    assert waiting.heads() == "bbb222"
    assert "Left for later: Revision ccc333" in capsys.readouterr().err
    assert (verdict.acceptable, verdict.sentence) == (True, "")


def test_a_server_that_needs_what_waits_for_a_backfill_does_not_start(waiting):
    waiting.add("ddd444", "ccc333", 'op.add_column("people", sa.Column("age", sa.Integer()))')

    with (
        waiting.at_work(),
        waiting.app.app_context(),
        pytest.raises(BackfillUnfinished, match="Revision ccc333"),
    ):
        waiting.migrations.upgrade()


def test_one_that_is_paused_is_to_be_resumed_first():
    one = Backfill(NAME, "bbb222", "people", "paused", 1, 3, 0, 0, None, "")
    revision = Declared("ccc333", (), "require it", "online", "yes", None, Path("ccc333.py"), "")

    sentence = unfinished(revision, one)

    assert "it is paused, so `flask db backfill resume people_full_name` first; then" in sentence


@pytest.mark.parametrize("needed", [NAME, (NAME,), [NAME]])
def test_a_single_name_without_its_comma_is_a_name(tmp_path, needed):
    path = tmp_path / "ccc333.py"
    path.write_text("")
    script = SimpleNamespace(
        path=path,
        revision="ccc333",
        _all_down_revisions=(),
        doc="",
        module=SimpleNamespace(needs_backfills=needed),
    )

    assert declared(script).needs_backfills == (NAME,)


def test_what_is_left_to_fill_is_filled_before_the_revision_that_needs_it(many):
    """On PostgreSQL only: SQLite leaves nothing for later."""
    many.upgrade()
    many.door("flask db", "backfill", "pause", NAME)
    many.require()

    found = rehearsed(many)

    assert only(found)["verdict"] == "reversible"
    assert f"The backfill {NAME}" in found["notes"][0]
    assert many.backfills()[0].state == "paused"
