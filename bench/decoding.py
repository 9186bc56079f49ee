"""What it costs to decode records: `python -m bench.decoding`, microseconds of Python a record.

One process, its own processor time, the least of many rounds: what a busy machine adds is left out.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

from agentlogger import RUNS_AS
from agentlogger.intake import batches, otlp_protobuf, otlp_wire
from agentlogger.intake.layouts import layout_of
from agentlogger.intake.redaction import redactor
from agentlogger.store import json_text
from bench import table
from bench.records import Requests

WIRE, SECRETS, ALL = "from the bytes, to what was sent", "search for secrets", "all, to rows"
RECORDS = 512
ROUNDS = 40


def main() -> None:
    """Measure and print."""
    body = bytes(Requests(RECORDS, seed=1).next())
    records = batches.from_otlp_protobuf(body, 1).records
    sent = [(each, layout_of(each.attributes)) for each in otlp_wire.read(body)]
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("by protobuf's library, to what was sent", lambda: list(otlp_protobuf.read(body))),
        (WIRE, lambda: list(otlp_wire.read(body))),
        (SECRETS, lambda: [redactor.DEFAULT.sent(*each) for each in sent]),
        (ALL, lambda: batches.from_otlp_protobuf(body, 1)),
        ("attributes as JSON text", lambda: [json_text.serialize(r.attributes) for r in records]),
    ]
    # As each worker does: what was there before is not looked through again.
    gc.collect()
    gc.freeze()
    best = dict.fromkeys((name for name, _ in steps), float("inf"))
    for _ in range(ROUNDS):
        for name, step in steps:
            begun = time.process_time()
            step()
            best[name] = min(best[name], time.process_time() - begun)
    best["columns, identity and call"] = best[ALL] - best[WIRE] - best[SECRETS]
    print(f"{RECORDS} records a request, {len(body) / RECORDS:.0f} bytes each; {RUNS_AS}")
    rows = [[name, f"{seconds / RECORDS * 1e6:.1f}"] for name, seconds in best.items()]
    table.show(["", "µs a record"], rows)


if __name__ == "__main__":
    main()
