"""What a verb does to a database is what it has always done."""

from __future__ import annotations

import pytest

from agentlogger.migrate import verbs
from tests.conftest import SQLiteDatabases
from tests.migrations.verbs import frozen


@pytest.mark.parametrize("verb", list(frozen.CASES))
def test_the_sql_of_a_verb_is_the_committed_text(verb, databases):
    kind = "sqlite" if isinstance(databases, SQLiteDatabases) else "postgresql"

    with frozen.stages(databases) as stages:
        text = frozen.text_of(verb, kind, stages)

    assert text == frozen.path_of(verb, kind).read_text()


def test_every_verb_has_its_text():
    texts = "".join(path.read_text() for path in (frozen.FOLDER / "frozen.py",))
    verbs_there = [name for name in vars(verbs.Carrier) if not name.startswith("_")]

    assert len(verbs_there) == 13
    assert [name for name in verbs_there if f"op.{name}" not in texts] == []
