"""Where the models are not what the history makes, drift says which revision to write."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from agentlogger.migrate.revisions.messages import judge
from agentlogger.migrate.revisions.revising import revising
from agentlogger.migrate.trial.objects import KINDS, Thing
from tests.migrations.histories import PEOPLE, bring, folder, look, people

pytestmark = pytest.mark.promise


def test_a_column_that_only_the_models_have_asks_for_a_revision(empty_database_url, tmp_path):
    history = folder(tmp_path, one=(None, PEOPLE))
    bring(empty_database_url, history)

    report = look(
        empty_database_url, history=history, metadata=people(sa.Column("name", sa.String(50)))
    )

    (finding,) = report.findings
    assert (finding.thing, finding.against) == ("column people.name", "models")
    assert finding.difference == "missing in the history"
    assert finding.repair == ("flask db migrate -m 'add column people.name'", "flask db upgrade")


def test_a_column_that_no_model_has_needs_leave_to_be_dropped(empty_database_url, tmp_path):
    more = "    op.add_column('people', sa.Column('name', sa.String(50)))\n"
    history = folder(tmp_path, one=(None, PEOPLE), two=("one", more))
    bring(empty_database_url, history)

    (finding,) = look(empty_database_url, history=history, metadata=people()).findings

    assert finding.difference == "only in the history"
    assert finding.repair[0] == (
        "flask db migrate -x allow-drop=people.name -m 'drop column people.name'"
    )


@pytest.mark.parametrize(
    ("changed", "thing"),
    [
        ({"check": "age > 0"}, "constraint ck_people_age on people"),
        ({"where": "age > 9"}, "index ix_people_age on people"),
    ],
)
def test_what_a_check_or_an_index_says_is_written_by_autogenerate(
    empty_database_url, tmp_path, changed, thing
):
    history = folder(tmp_path, one=(None, PEOPLE))
    bring(empty_database_url, history)

    (finding,) = look(empty_database_url, history=history, metadata=people(**changed)).findings

    assert (finding.thing, finding.difference) == (thing, "differs")
    assert finding.repair == (
        f"flask db migrate -m 'alter definition of {thing}'",
        "flask db upgrade",
    )


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("labels", "repair"),
    [
        (["calm", "wild"], "flask db migrate -m 'alter definition of enum mood'"),
        (["wild"], "flask db revision -m 'alter definition of enum mood'"),
    ],
)
def test_an_enums_new_label_is_written_by_autogenerate_and_a_lost_one_by_hand(
    empty_database_url, tmp_path, labels, repair
):
    """On PostgreSQL only: SQLite has no enums."""
    mood = "    op.add_column('people', sa.Column('mood', sa.Enum('calm', name='mood')))\n"
    made = "    sa.Enum('calm', name='mood').create(op.get_bind())\n"
    history = folder(tmp_path, one=(None, PEOPLE + made + mood))
    bring(empty_database_url, history)
    metadata = people(sa.Column("mood", sa.Enum(*labels, name="mood")))

    (finding,) = look(empty_database_url, history=history, metadata=metadata).findings

    assert finding.thing == "enum mood"
    assert finding.repair[0] == repair


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_what_autogenerate_does_not_write_is_told_as_the_lines_of_a_revision(
    empty_database_url, tmp_path
):
    """On PostgreSQL only: SQLite has no identities."""
    history = folder(tmp_path, one=(None, PEOPLE))
    bring(empty_database_url, history)
    plain = "    op.add_column('people', sa.Column('number', sa.BigInteger(), nullable=False))\n"
    folder(tmp_path, one=(None, PEOPLE), two=("one", plain))
    bring(empty_database_url, history)

    (finding,) = look(empty_database_url, history=history, metadata=numbered()).findings

    first, _, *lines, _, last = finding.repair
    assert first == "flask db revision -m 'alter definition of column people.number'"
    assert last == "flask db upgrade"
    upgrade = "".join(f"    {line}\n" for line in lines)
    folder(tmp_path, one=(None, PEOPLE), two=("one", plain), three=("two", upgrade))
    bring(empty_database_url, history, metadata=numbered())
    assert look(empty_database_url, history=history, metadata=numbered()).findings == ()


def numbered() -> sa.MetaData:
    return people(sa.Column("number", sa.BigInteger, sa.Identity(), nullable=False))


def test_what_no_model_can_say_may_stand_in_a_history(empty_database_url, tmp_path):
    more = "    op.execute('CREATE VIEW grown AS SELECT id FROM people')\n"
    history = folder(tmp_path, one=(None, PEOPLE + more))
    bring(empty_database_url, history)

    report = look(empty_database_url, history=history, metadata=people())

    assert report.findings == ()


def test_a_constraint_that_a_revision_leaves_unnamed_has_the_models_name(
    empty_database_url, tmp_path
):
    history = folder(tmp_path, one=(None, PEOPLE.replace(", name='pk_people'", "")))
    bring(empty_database_url, history, metadata=people())

    report = look(empty_database_url, history=history, metadata=people())

    assert report.findings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_the_message_of_a_revision_says_what_it_does(kind):
    key = str(Thing(kind, "people.name" if kind == "column" else "people"))
    there, nothing = {key: "one thing"}, {}
    changes = [(nothing, there), (there, nothing), (there, {key: "another thing"})]

    for history, models in changes:
        lines = revising(key, history, models, sa.MetaData(), Shown())
        (message,) = [one.rpartition(" -m ")[2].strip("'") for one in lines if " -m " in one]
        judge(message)


class Shown:
    """A database whose statements do not matter."""

    def repair(self, key: str, found: object, wanted: object) -> list[str]:
        del found, wanted
        return [f"ALTER {key};"]
