"""A message that says nothing is refused, and one that cannot be judged is taken.

No database is asked here: a message is judged before any is touched.
"""

from __future__ import annotations

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlogger.migrate.causes import VagueMessage
from agentlogger.migrate.revisions.messages import judge

CLEAR = [
    # The guide's own.
    "description of changes",
    "your message",
    "merge branches",
    "add user full_name column",
    # This project's.
    "create users table",
    "create projects and api keys",
    "create log records",
    "index sessions by user",
    "drop legacy token column",
    "merge heads",
    "branch one",
    "Initial migration",
    # A verb that says what happens needs one name.
    "add users",
    "Remove api_keys",
    "drop users.email",
    "adds full_name",
    "added full_name",
    "add index on users",
    # What usually is a kind of thing, or trouble, is a name where another kind follows.
    "add index column",
    "add error column",
    "add issues table",
    "add issues",
    "add data column",
    # An empty verb with something to say.
    "update users email to lower case",
    "change duration_ns to bigint",
    "fix truncated session ids",
    "alter log_records body to text",
    "change body to UTF-8",
    "change retention to 30",
    "clean up orphaned sessions",
    "migrate users to accounts",
    "test runs get a verdict",
    "fix index on sessions for user",
    "WIP: add user full_name column",
    "fix: drop legacy token column",
    # Without spaces, as a file or a class is spelled.
    "add_user_full_name_column",
    "add-user-full-name-column",
    "AddUserFullNameColumn",
    # Verbs and words that no rule is about.
    "rename email to login",
    "backfill sessions",
    "partition log records by day",
    "users update",
    "TRUNCATE everything",
]

OTHER_LANGUAGES = [
    "Spalte für den vollen Namen",
    "añadir columna de nombre",
    unicodedata.normalize("NFD", "borré"),
    "обновить пользователей",
    "изменения",
    "添加用户全名列",
    "ユーザーを更新",
    "사용자 이름 열 추가",
    "إضافة عمود الاسم",
    "उपयोगकर्ता",
    "usuarios nuevos",
]

VAGUE = [
    # The guide's own.
    "update users",
    # Its relatives.
    "Update Users.",
    "update the users",
    "update users table",
    "update the users table",
    "updated users",
    "updates users",
    "updating users",
    "modified users",
    "modify user",
    "change users",
    "changes to users",
    "alter table users",
    "alter users.email",
    "edit schema",
    "fix users",
    "fix bug",
    "fixes",
    "fix a bug in users",
    "fix bug 1234",
    "fix bug in users (#77)",
    "fix issue #77",
    "fix JIRA-77",
    "bugfix users",
    "fix: users",
    "chore: update users",
    "clean up users",
    "improve sessions table",
    "refactor models",
    "migrate data",
    "test users",
    "try indexes again",
    "work in progress",
    "update_users",
    "UpdateUsers",
    "update users…",
    # Only words that fit every revision.
    "minor fixes",
    "some small changes",
    "schema changes",
    "database migration",
    "new migration",
    "misc stuff",
    "the table",
    # A thing without a name.
    "add column",
    "add a new column",
    "drop table",
    "dropped the table",
    "dropping tables",
    "create index",
    "remove some indexes",
    "add missing constraints",
    # One word.
    "changes",
    "wip",
    "users",
    "update",
    "stuff",
    "tmp",
    "test",
    "Migration!",
    # Nothing.
    "",
    "   ",
    "...",
    "1234",
    "#12",
    "🚀",
    "empty message",
]


@pytest.mark.parametrize("message", CLEAR)
def test_a_message_that_says_what_is_done_is_taken(message):
    judge(message)


@pytest.mark.parametrize("message", OTHER_LANGUAGES)
def test_a_message_in_another_language_is_taken(message):
    judge(message)


@pytest.mark.parametrize("message", VAGUE)
def test_a_message_that_says_nothing_is_refused(message):
    with pytest.raises(VagueMessage):
        judge(message)


def test_no_message_is_refused():
    with pytest.raises(VagueMessage, match=r"^The revision has no message: "):
        judge(None)


def test_the_refusal_shows_the_message_an_example_and_the_way_round_it():
    with pytest.raises(VagueMessage) as refused:
        judge("update users")

    assert str(refused.value) == (
        'The message "update users" says that something changes, and not what: say what the '
        'revision does to what, as in -m "add user full_name column", or take the message as it '
        "is with -x allow-message=yes directly after `flask db` or `alembic`."
    )


def test_the_example_of_the_refusal_would_be_taken():
    with pytest.raises(VagueMessage) as refused:
        judge("wip")

    judge(str(refused.value).partition('-m "')[2].partition('"')[0])


@given(st.text() | st.text(alphabet="abc0 #-_.Afixupdate "))
def test_no_message_is_too_strange_to_be_judged(message):
    with suppress(VagueMessage):
        judge(message)
