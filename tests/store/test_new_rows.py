"""Many identities at once: each is claimed once, however many of them are known already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from agentlogger.store import identities
from agentlogger.store.connections import writing
from agentlogger.store.postgresql import new_rows
from tests.store.test_once import SCOPE, TEST

MANY = 2 * new_rows.MANY

Claims = dict[identities.Key, tuple[int, int]]


@pytest.fixture(autouse=True)
def inside(app):
    with app.app_context():
        yield


def claims(*numbers: int) -> Claims:
    return {(SCOPE.project_id, number.to_bytes(40)): (number, number) for number in numbers}


def claim(wanted: Claims) -> set[identities.Key]:
    with writing() as connection:
        return identities.claim(TEST, connection, wanted)


@pytest.mark.parametrize("known", [range(0), range(7, 8), range(MANY), range(50, 2 * MANY)])
def test_of_many_identities_those_that_nobody_has_are_new(known):
    """One that is known may be looked for before, or be met by the insert."""
    before, wanted = claims(*known), claims(*range(MANY))
    claim(before)

    assert claim(wanted) == wanted.keys() - before.keys()
    assert claim(wanted) == set()


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_on_postgresql_many_identities_wait_for_one_that_is_about_to_be_stored(app, ends):
    one, many = claims(7), claims(*range(MANY))

    def others() -> set[identities.Key]:
        with app.app_context():
            return claim(many)

    with ThreadPoolExecutor(1) as threads:
        with writing() as connection:
            assert identities.claim(TEST, connection, one) == one.keys()
            waits = threads.submit(others)
            with pytest.raises(TimeoutError):
                waits.result(0.2)
            if ends == "rollback":
                connection.rollback()
        assert waits.result(20) == (many.keys() if ends == "rollback" else many.keys() - one.keys())
