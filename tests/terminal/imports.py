"""An import as somebody types it, and files for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import make_server

from agentlogger.terminal.main import main

TRANSCRIPTS = Path(__file__).resolve().parents[1] / "corpus" / "transcripts"


class Importer:
    """Runs `agentlogger import` for an installation, and reads what it stored there."""

    def __init__(self, app: Flask, environment: dict[str, str]) -> None:
        self.app = app
        self.environment = environment

    def run(self, *words: str, given: bytes | None = None) -> Result:
        """The outcome of a command."""
        return CliRunner().invoke(main, ["import", *words], input=given, env=self.environment)

    def stored(self) -> list[dict[str, Any]]:
        """Every record, oldest first."""
        answer = self.app.test_client().get("/api/v1/logs?limit=1000")
        return list(reversed(answer.get_json()["items"]))


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application at an address, for the length of a block."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def written(path: Path, *lines: Any) -> str:
    """A file with these lines: texts as they are, others as JSON."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    return str(path)
