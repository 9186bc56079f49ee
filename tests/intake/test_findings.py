"""What people are told about what they sent: what to do, and where a text was cut."""

from __future__ import annotations

import pytest

from agentlogger.intake import findings, storable
from agentlogger.intake.redaction import rules
from agentlogger.limits import FINDING_CHARACTERS

REDACTIONS = [code for code in storable.RULES if code.startswith(rules.PREFIX)]


@pytest.mark.parametrize("code", REDACTIONS)
def test_nobody_is_told_to_send_a_secret_in_another_way(code):
    assert findings.fix_for(code) == findings.REDACTED_FIX


def test_each_rule_of_redaction_is_among_the_rules():
    assert set(REDACTIONS) == rules.WORDS.keys()


def test_a_value_of_a_kind_that_is_replaced_can_be_sent_as_text():
    assert findings.fix_for("number.range") == findings.REPLACED_FIX


def test_a_text_that_is_cut_shows_it_and_keeps_to_the_limit():
    cut = findings.shortened("x" * (FINDING_CHARACTERS + 1))

    assert cut.endswith("x" + findings.CUT)
    assert len(cut) == FINDING_CHARACTERS


def test_a_text_that_just_fits_is_whole():
    assert findings.shortened("x" * FINDING_CHARACTERS) == "x" * FINDING_CHARACTERS
