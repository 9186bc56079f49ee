"""A duty takes half of a processor that nobody wants, and a twentieth of one in demand."""

from __future__ import annotations

import pytest

from agentlogger.duties.pacing import Pace


class Machine:
    """A processor on which waits end as late as it is told, with clocks of its own."""

    def __init__(self, late: float) -> None:
        self.late = late
        self.now = self.used = 0.0

    def wait(self, seconds: float) -> bool:
        self.now += seconds + self.late
        return False

    def share(self, pace: Pace, *, steps: int, step: float = 0.1, database: float = 0.0) -> float:
        """The part of a processor that some steps took with their rests."""
        began, used = self.now, self.used
        for _ in range(steps):
            self.now += step + database
            self.used += step
            assert not pace.rest()
        return (self.used - used) / (self.now - began)

    def pace(self) -> Pace:
        return Pace(self.wait, clock=lambda: self.now, processor=lambda: self.used)


def test_where_nobody_wants_the_processor_it_takes_half():
    machine = Machine(late=0.0001)
    assert machine.share(machine.pace(), steps=20) == pytest.approx(0.5, abs=0.03)


def test_where_others_want_it_always_it_takes_a_twentieth_and_never_stops():
    machine = Machine(late=0.005)
    pace = machine.pace()
    machine.share(pace, steps=5)
    assert machine.share(pace, steps=20) == pytest.approx(0.05, abs=0.005)


def test_a_rest_that_began_under_load_ends_when_the_load_does():
    machine = Machine(late=0.005)
    pace = machine.pace()
    machine.share(pace, steps=5)
    machine.late = 0.0
    assert machine.share(pace, steps=1) > 0.1
    assert machine.share(pace, steps=20) > 0.4


def test_a_database_rests_as_long_as_it_worked():
    machine = Machine(late=0.0)
    assert machine.share(machine.pace(), steps=20, database=0.9) == pytest.approx(0.05, abs=0.005)


def test_it_ends_in_the_middle_of_a_rest():
    machine = Machine(late=0.0)
    pace = Pace(lambda _: True, clock=lambda: machine.now, processor=lambda: machine.used)
    machine.now = machine.used = 0.1
    assert pace.rest()
