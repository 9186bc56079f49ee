"""A model that answers as OpenAI's API does: first a call of a tool, then an answer.

Each answer has token counts that nothing else has, so that a count in the wrong place is seen.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "It is 17 degrees in Paris."


@dataclass(frozen=True)
class Usage:
    """What a call costs: those cached are among the input, those of reasoning among the output."""

    input: int
    cached: int
    output: int
    reasoning: int

    def told(self) -> dict[str, Any]:
        """As chat completions tell it."""
        return {
            "prompt_tokens": self.input,
            "completion_tokens": self.output,
            "total_tokens": self.input + self.output,
            "prompt_tokens_details": {"cached_tokens": self.cached},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }


ASKS, ANSWERS = Usage(1201, 401, 151, 51), Usage(1303, 503, 207, 57)
"""The call that ends with a tool, and the one that ends with an answer."""


def completion(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request for a chat completion."""
    has_result = any(message["role"] == "tool" for message in asked["messages"])
    function = {"name": "get_weather", "arguments": json.dumps({"city": "Paris"})}
    call = {"id": "call_1", "type": "function", "function": function}
    says = {"content": ANSWER} if has_result else {"content": None, "tool_calls": [call]}
    choice = {
        "index": 0,
        "finish_reason": "stop" if has_result else "tool_calls",
        "message": {"role": "assistant", **says},
    }
    return {
        "id": "chatcmpl-2" if has_result else "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": asked["model"],
        "choices": [choice],
        "usage": (ANSWERS if has_result else ASKS).told(),
    }


class Model:
    """The model at an address, and what it was asked."""

    def __init__(self) -> None:
        self.address = ""
        self.asked: list[dict[str, Any]] = []


@contextmanager
def modelling() -> Iterator[Model]:
    """Run the model on a free port for the length of a block."""
    model = Model()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.asked.append(asked)
            body = json.dumps(completion(asked)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_given: object) -> None:
            """Keep the tests' output to themselves."""

    with listening(Door) as address:
        model.address = f"{address}/v1"
        yield model


@contextmanager
def listening(door: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve a handler on a free port, whose address is given, for the length of a block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
