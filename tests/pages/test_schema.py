"""The page of the schema tells what the database tells, on both, and at the worst of times."""

from __future__ import annotations

import os
import re
import time

import pytest
import sqlalchemy as sa
from alembic import command

from agentlogger.app import create_app
from agentlogger.blueprints.schema import span, spoken
from agentlogger.migrate import trials
from agentlogger.migrate.ledger import history, instances
from agentlogger.migrate.ledger.tables import BACKFILLS
from agentlogger.migrate.task import DIALECTS
from agentlogger.models.database import db
from agentlogger.store import users
from agentlogger.store.connections import writing
from tests.conftest import settings_for
from tests.gate.conftest import PASSWORD, STAGE, sign_in
from tests.newest_revision import HEAD, MESSAGE, revisions_after
from tests.pages.test_pages import HOSTILE, page
from tests.pages.test_settings import token_of

REFRESH = '<meta http-equiv="refresh"'


def fill(app, **given) -> None:
    """Register a backfill that is at work."""
    now = time.time_ns()
    row = {
        "name": "users_full_name", "revision": HEAD, "table_name": "users", "state": "running",
        "rows_done": 400, "rows_expected": 1000, "begun_ns": now, "changed_ns": now,
        "rows_per_second": 50.0, "lease_until_ns": now + 10**11,
    }  # fmt: skip
    with app.app_context(), writing() as connection:
        connection.execute(BACKFILLS.insert().values(row | given))


def section(text: str, name: str) -> str:
    """A part of the page, as text without its markup."""
    found = re.search(rf'aria-labelledby="{name}".*?</section>', text, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]*>", " ", found[0]).split())


def test_at_rest_it_tells_where_the_database_is_and_comes_once(client):
    text = page(client, "/schema")

    assert "At head" in text
    assert "This program can work with it." in text
    assert HEAD in text
    assert "None is registered." in section(text, "backfills")
    assert "None: the database has all of this program" in section(text, "pending")
    assert REFRESH not in text


def test_the_history_tells_who_did_what_when_and_how_long(app, client):
    with app.app_context():
        command.downgrade(app.extensions["migrations"].configuration(quiet=True), "-1")

    rows = re.findall(r"<tr class=\"(\w+)\">(.*?)</tr>", page(client, "/schema"), re.DOTALL)

    assert [direction for direction, _ in rows] == ["down"] + ["up"] * revisions_after("base")
    down = " ".join(re.sub(r"<[^>]*>", " ", rows[0][1]).split())
    assert re.fullmatch(
        rf"[-\d]+ [:\d]+ down {HEAD} {MESSAGE} expand [\d.]+ m?s \S+@\S+ "
        rf"\(process {os.getpid()}\) 0\.1\.0",
        down,
    )


def test_what_is_pending_is_listed_with_the_command(app, client):
    with app.app_context():
        command.downgrade(app.extensions["migrations"].configuration(quiet=True), "-1")

    text = page(client, "/schema")

    assert "Behind by 1 revision<" in text
    assert "<code>flask db upgrade</code>" in text
    pending = section(text, "pending")
    assert f"{HEAD} expand {MESSAGE} release 0.1.0" in pending


def ask(client, path: str) -> str:
    """Press a button of the page."""
    answer = client.post(path, data={"csrf_token": token_of(page(client, "/settings"))})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def test_a_button_tells_what_an_upgrade_would_do_and_changes_nothing(app, client):
    with app.app_context():
        command.downgrade(app.extensions["migrations"].configuration(quiet=True), "-1")
    assert 'action="/schema/plan"' in page(client, "/schema")

    text = ask(client, "/schema/plan")

    told = section(text, "plan")
    assert "1 revision" in told
    assert "safe while serving" in told
    assert f"{HEAD} expand" in told
    assert re.search(r"CREATE (TABLE|INDEX|UNIQUE)", told)
    assert "Behind by 1 revision<" in page(client, "/schema")


def test_a_button_looks_for_drift_one_at_a_time_and_for_admins_alone(app, client):
    assert "No drift" in section(ask(client, "/schema/drift"), "drift")
    with app.app_context(), writing() as connection:
        connection.execute(sa.text("CREATE TABLE by_hand (id INTEGER)"))

    found = section(ask(client, "/schema/drift"), "drift")

    assert "1 difference" in found
    assert "by_hand" in found
    assert "DROP TABLE" in found
    with trials._alone():
        told = section(ask(client, "/schema/drift"), "drift")
    assert "Another plan or a look for drift is being made here" in told
    assert client.post("/schema/drift").status_code == 400
    with app.app_context():
        users.create(
            STAGE, email="a@example.org", password=PASSWORD, full_name=None, is_admin=False
        )
    sign_in(client, "a@example.org", PASSWORD)
    token = token_of(page(client, "/alerts/new"))
    assert client.post("/schema/drift", data={"csrf_token": token}).status_code == 403


@pytest.mark.parametrize(("phase", "tone"), [("expand", "note"), ("contract", "bad")])
def test_a_database_of_a_newer_program_says_whether_this_one_can_work_with_it(
    app, client, phase, tone
):
    with app.app_context(), writing() as connection:
        row = f"SET revision = 'newer', parents = '{HEAD}', phase = '{phase}'"
        where = "WHERE revision = '8c40d2b6e713'"
        connection.execute(sa.text(f"UPDATE migration_history {row} {where}"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'newer'"))

    text = page(client, "/schema")

    assert "Ahead of this program by 1 revision" in text
    assert f'class="verdict {tone}"' in text
    assert "<code>flask db rollback-to-code</code>" in text
    assert "besides: newer" in section(text, "pending")


def test_a_backfill_shows_a_bar_and_the_page_comes_again_while_it_runs(app, client):
    fill(app)

    text = page(client, "/schema")

    backfills = section(text, "backfills")
    for told in ("running", "40 %", "400 of about 1,000 rows", "50 rows/s", "12.0 s left"):
        assert told in backfills
    assert re.search(r'<progress max="100" value="40\.0" aria-label="[^"]+users_full_name', text)
    assert REFRESH in text


def test_a_backfill_that_stands_says_why_and_does_not_make_the_page_come_again(app, client):
    fill(app, name="held", state="paused", lease_until_ns=None)
    fill(app, name="left", state="pending", lease_until_ns=None)
    fill(app, name="done", state="finished", lease_until_ns=None)

    text = page(client, "/schema")

    backfills = section(text, "backfills")
    assert "Goes on after flask db backfill resume held" in backfills
    assert "Nobody works on it: flask db backfill run left" in backfills
    assert "ended 20" in backfills
    assert text.count("<progress") == len(("held", "left"))
    assert REFRESH not in text


def test_a_backfill_that_goes_slower_says_for_what(app, client):
    fill(app, waiting_for="a replica is 3.0 s behind; see `flask db status`", rows_per_second=0.0)

    backfills = section(page(client, "/schema"), "backfills")

    assert "Waits: a replica is 3.0 s behind; see flask db status table users" in backfills


def test_while_a_migrator_holds_the_lock_the_page_says_who_and_does_not_wait(app, client):
    url = sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    lock = DIALECTS[url.get_backend_name()].make_lock(url, "flask db upgrade")
    assert lock.try_to_take()
    try:
        with app.app_context(), writing() as connection:
            (revision,) = [
                one
                for one in app.extensions["migrations"].state(connection).revisions
                if one.revision == HEAD
            ]
            history.begin(connection, revision, "up", program="0.2.0", down_sql=None, key=None)
        text = page(client, "/schema")
    finally:
        lock.release()

    assert 'class="verdict busy"' in text
    assert "A migration is at work. Meanwhile this program can work with it." in text
    assert re.search(rf"flask db upgrade, process {os.getpid()} on \S+, for [^:]+: {HEAD} up", text)
    assert '<span class="busy">running</span>' in text
    assert REFRESH in text
    afterwards = page(client, "/schema")
    assert '<span class="killed">killed</span>' in afterwards
    assert f"{HEAD} up, begun" in section(afterwards, "leftovers")
    assert REFRESH not in afterwards


def test_the_programs_that_are_alive_are_listed(app, client):
    with app.app_context(), writing() as connection:
        instances.beat(connection, "0.2.0", ("newer",), 12.3)

    programs = section(page(client, "/schema"), "programs")

    assert f"0.2.0 process {os.getpid()} on " in programs
    assert "at newer, seen 0 s ago, p99 12 ms" in programs


def test_a_database_that_was_never_migrated_has_a_page(empty_database_url, tmp_path):
    app = create_app(settings_for(empty_database_url, tmp_path))

    text = page(app.test_client(), "/schema")

    assert "Never migrated" in text
    assert "<code>flask db upgrade</code>" in text
    assert "create users table" in section(text, "pending")
    assert "This database has no history yet" in section(text, "history")
    elsewhere = app.test_client().get("/schema", headers={"Host": "elsewhere.example"})
    assert elsewhere.status_code == 403
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_database_that_is_away_is_told_in_a_sentence(database_url, tmp_path):
    """On PostgreSQL only: a file is not away."""
    app = create_app(settings_for(database_url.set(port=1), tmp_path))

    answer = app.test_client().get("/schema", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert "The database is unavailable" in answer.get_data(as_text=True)
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_transaction_that_is_open_for_long_is_listed(app, client, monkeypatch):
    """On PostgreSQL only: SQLite does not tell of other connections."""
    tables = "agentlogger.migrate.postgresql.tables.LONG_TRANSACTIONS"
    soon = str(DIALECTS["postgresql"].long_transactions.__globals__["LONG_TRANSACTIONS"])
    monkeypatch.setattr(tables, sa.text(soon.replace("5 seconds", "0 seconds")))
    other = sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT 'a <long> look'"))

        listed = section(page(client, "/schema"), "long")

    assert "idle in transaction" in listed
    assert "SELECT &#39;a &lt;long&gt; look&#39;" in listed


def test_what_the_database_says_is_only_ever_text(app, client):
    for number, text in enumerate(HOSTILE):
        fill(app, name=f"{number} {text}", table_name=text, waiting_for=text, state="paused")
    everything = " ".join(HOSTILE)
    with app.app_context(), writing() as connection:
        said = sa.text("UPDATE migration_history SET message = :text, who = :text")
        connection.execute(said, {"text": everything})
        instances.beat(connection, everything, (everything,), None)

    shown = page(client, "/schema")

    assert "<script>alert" not in shown
    assert not re.search(r"<(img|svg)\b[^>]*on\w+=", shown)
    assert shown.count("{{ 7 * 7 }}") >= len(("history", "programs", "backfills"))


def test_commands_in_a_sentence_are_code_and_nothing_else_is():
    assert spoken("run `a <b>`, then <c>") == "run <code>a &lt;b&gt;</code>, then &lt;c&gt;"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0124, "12 ms"),
        (9.87, "9.9 s"),
        (61, "1 min 1 s"),
        (7260, "2 h 1 min"),
        (802_000, "9 days"),
    ],
)
def test_a_length_of_time_has_two_numbers_at_most(seconds, told):
    assert span(seconds) == told
