"""`python -m demo`: fills a server with three days of agents' work, and says where to look.

Without --server it starts one of its own, with a database of its own in `instance/`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.days import Request, requests

OWN_PORT = 4328
"""Beside 4318, so that the demo does not fill a server in earnest by mistake."""

INSTANCE = Path("instance") / "demo"
START_SECONDS = 60
ANSWER_SECONDS = 60
MINUTE_NS = 60 * 10**9
TRIES = 5
UNAVAILABLE = 503


def main() -> int:
    """Fill a server, and stay while it is our own."""
    given = _arguments()
    now_ns = time.time_ns()
    until_ns = now_ns - now_ns % MINUTE_NS if given.until is None else given.until * 10**9
    if given.server is not None:
        fill(given.server.rstrip("/"), given.seed, until_ns, given.key)
        return 0
    with own_server(given.port) as (process, address):
        fill(address, given.seed, until_ns, given.key)
        if given.once:
            return 0
        print("Stop with Ctrl-C.", flush=True)
        try:
            return process.wait()
        except KeyboardInterrupt:
            return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--server", help="the address of a server that runs already")
    parser.add_argument("--key", default=os.environ.get("AGENTLOGGER_KEY", ""), help="a key for it")
    parser.add_argument("--port", type=int, default=OWN_PORT, help="of the server of its own")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other days")
    parser.add_argument("--until", type=int, help="when the days end, in seconds since 1970")
    parser.add_argument("--once", action="store_true", help="fill, and stop the own server")
    return parser.parse_args()


def fill(address: str, seed: int, until_ns: int, key: str) -> None:
    """Send the three days to a server, and say where to look."""
    began, number = time.monotonic(), 0
    for request in requests(seed, until_ns):
        _send(address, request, key)
        number += 1
    taken = time.monotonic() - began
    print(f"\nThree days are there, sent in {number} requests and {taken:.1f} s.\n")
    print(f"  stream  {address}/")
    print(f"  runs    {address}/runs")
    print(f"  numbers {address}/numbers")
    print(f"  ingest  {address}/ingest\n", flush=True)


def _send(address: str, request: Request, key: str) -> None:
    headers = {"Content-Type": request.content_type, "User-Agent": "agentlogger-demo"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    asked = urllib.request.Request(  # noqa: S310  (the address is the caller's own)
        address + request.path, data=request.body, headers=headers
    )
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                said = refusal.read().decode(errors="replace")
            if not request.is_good:
                return
            if refusal.code != UNAVAILABLE or attempt == TRIES - 1:
                raise SystemExit(f"{address}{request.path} refused: {said}") from None
            time.sleep(float(refusal.headers.get("Retry-After") or 1))
        except urllib.error.URLError as fault:
            raise SystemExit(f"{address} cannot be reached: {fault.reason}") from None
        else:
            return


@contextmanager
def own_server(
    port: int, instance: Path = INSTANCE
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server of the demo's own, filled once it answers; it ends with the demo."""
    shutil.rmtree(instance, ignore_errors=True)
    instance.mkdir(parents=True)
    (instance / "env").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "agentlogger", "serve"],
        env=environment(instance) | {"AGENTLOGGER_PORT": str(port)},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(process, address)
        yield process, address
    finally:
        process.terminate()
        process.wait()


def environment(instance: Path) -> dict[str, str]:
    """The environment of a server of the demo's own, without the settings of one in earnest."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("AGENTLOGGER_") and not name.endswith("DATABASE_URL")
    }
    return kept | {
        "AGENTLOGGER_INSTANCE": str(instance.resolve()),
        "AGENTLOGGER_ENV_FILE": str((instance / "env").resolve()),
    }


def _wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=1):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The server of the demo did not start: its output says why.")


if __name__ == "__main__":
    sys.exit(main())
