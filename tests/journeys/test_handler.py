"""A Python program logs through the handler, the API gives it back."""

from __future__ import annotations

import logging
import uuid

from agentlogger.handler import AgentLoggerHandler, context
from tests.journeys.talking import stored_records


def test_what_a_program_logs_comes_back_with_its_session_tool_and_failure(shared_server):
    session = str(uuid.uuid4())
    logger = logging.getLogger("planner.files")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = AgentLoggerHandler(shared_server.address, service="planner")
    logger.addHandler(handler)
    with context(session=session, run="r1"):
        for number in range(600):
            logger.info("step %d", number, extra={"tool": "grep", "duration_ms": number})
        try:
            int("no such file")
        except ValueError:
            logger.exception("it failed")
    handler.close()

    failed, *steps = stored_records(shared_server, session=session)

    assert [step["body"] for step in steps] == [f"step {n}" for n in reversed(range(600))]
    assert {(step["tool"], step["run_id"], step["agent"]) for step in steps} == {
        ("grep", "r1", "planner")
    }
    assert int(steps[0]["duration_ns"]) == 599 * 10**6
    assert (failed["severity_text"], failed["error_type"]) == ("ERROR", "ValueError")
    assert (failed["ok"], failed["error_message"]) == (
        False,
        "invalid literal for int() with base 10: 'no such file'",
    )
    assert failed["scope"]["name"] == "planner.files"
