"""`python -m demo.pictures`: a picture of every view, from the demo's three days.

Light and dark, wide, narrow and 4K, with empty states and errors, into `build/pictures/`. A few are
in `docs/pictures/` too: `--docs` writes those anew. `--only stream,alerts` takes some views alone.
It needs playwright (`make pictures` installs it) and the machine's Chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import sync_playwright

from demo.__main__ import MINUTE_NS, fill, own_server
from demo.standing import EMAIL, PASSWORD, READER, close, downgrade, fill_backfills

TO = Path("build") / "pictures"
DOCS = Path("docs") / "pictures"
PORTS = range(4338, 4344)
"""Beside the demo's own, so that one that runs is left alone."""

SIZES = {"wide": (1440, 900), "narrow": (360, 740), "4k": (3840, 2160)}
SCHEMES = ("light", "dark")
TALLEST = 2_400
"""Of a narrow picture, in pixels: as far as anybody goes down a page."""

IN_DOCS = ("stream", "run", "numbers", "alerts", "schema")
"""Views of which the wide and light picture is for the README and the documentation; none names a
folder of the machine that took it."""

FIRE_SECONDS = 120
"""Alerts are evaluated every ten seconds, on a machine that is busy with pictures."""

STANDING = {"closed": close, "filling": fill_backfills, "behind": downgrade}
"""What is done to servers once they run."""

FORMS = ":is(.fields, .sign-in form)"
"""Of which a picture shows the mistakes."""

MISTAKES = {"email": EMAIL, "password": "one letter less"}
"""What is filled in there, by the type of a field."""

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")

ALERTS: tuple[dict[str, Any], ...] = (
    {"name": "Errors of any agent", "kind": "count", "query": "level:>=error", "threshold": 3,
     "window_seconds": 600},
    {"name": "Sessions with many failed commands", "kind": "count", "query": "tool:Bash ok:false",
     "threshold": 10, "window_seconds": 3_600, "per": "session"},
    {"name": "Five dollars a day for each user", "kind": "budget", "threshold": 5_000_000,
     "window_seconds": 86_400, "per": "user"},
    {"name": "The nightly research ran", "kind": "count", "query": "event:research.done",
     "comparison": "<", "threshold": 1, "window_seconds": 86_400},
    {"name": "Nothing from the build agent", "kind": "silence", "window_seconds": 1_800},
)  # fmt: skip


LONG = "unbroken" * 40
LONG_RECORDS: tuple[dict[str, Any], ...] = tuple(
    {
        "session_id": LONG, "trace_id": "ab" * 16, "event": f"long.{LONG}",
        "agent": f"agent-{LONG}",
        "user_id": LONG, "model": f"model-{LONG}", "tool": f"tool-{LONG}",
        "message": message, "level": "error", LONG: LONG, "nested": {"of": [LONG, {"many": LONG}]},
    }
    for message in (LONG * 20, "words and more words " * 200)
)  # fmt: skip
"""Longer than any place on a page, and without a blank at which a line could end."""


@dataclass(frozen=True)
class View:
    """What is shown: an address, and what is done there before the picture is taken."""

    path: str
    press: str = ""
    click: str = ""
    who: str = ""
    """Who has signed in."""
    server: str = "demo"
    """On which server: `empty` has no record, and `long` what is longer than any place; `closed`
    has accounts, `filling` backfills that are at work, and `behind` a revision to come."""


def main() -> int:
    """Start servers, fill one, and take the pictures."""
    asked = _arguments()
    with ExitStack() as stack:
        # Of a name that says nothing of who took the pictures.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="agentlogger-")))
        ports = iter(PORTS)
        _, address = stack.enter_context(own_server(next(ports), folder / "demo"))
        servers = {"demo": address}
        now_ns = time.time_ns()
        fill(address, 1, now_ns - now_ns % MINUTE_NS, "")
        receiver = stack.enter_context(_receiver())
        alert = _alerts(address, receiver)
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=list(FLAGS),
        )
        views = _views(browser, address, alert)
        chosen = {name: views[name] for name in asked.only or views}
        for name in sorted({view.server for view in chosen.values()} - {"demo"}):
            own = own_server(next(ports), folder / name)
            _, servers[name] = stack.enter_context(own)
            if name == "long":
                _asked(f"{servers[name]}/api/v1/logs", list(LONG_RECORDS))
            elif name in STANDING:
                STANDING[name](folder / name)
        TO.mkdir(parents=True, exist_ok=True)
        for scheme in SCHEMES:
            for size in asked.sizes:
                _take(browser, servers, chosen, scheme, size)
        browser.close()
    if asked.docs:
        for name in set(IN_DOCS) & set(chosen):
            shutil.copyfile(TO / f"{name}-light-wide.png", DOCS / f"{name}.png")
    return 0


def _arguments() -> argparse.Namespace:
    def names(text: str) -> Sequence[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(prog="python -m demo.pictures", description=__doc__)
    parser.add_argument("--only", type=names, help="these views alone, with commas between")
    parser.add_argument("--sizes", type=names, default=list(SIZES), help="wide,narrow,4k")
    parser.add_argument("--docs", action="store_true", help="write docs/pictures/ anew as well")
    return parser.parse_args()


def _views(browser: Any, address: str, alert: str) -> dict[str, View]:
    """Every view, with the addresses of a record and a run that have something to show."""
    page = browser.new_page(base_url=address)
    page.goto("/?q=tool:Bash+ok:false")
    record = page.locator("tr[data-id] .time a").first.get_attribute("href")
    page.goto("/?q=kind:llm")
    call = page.locator("tr[data-id] .time a").first.get_attribute("href")
    page.goto("/runs")
    runs = page.locator(".sessions tbody tr")
    run, conversation = (
        runs.filter(has_text=agent).locator(".title a").first.get_attribute("href")
        for agent in ("claude-code", "support-agent")
    )
    page.close()
    long = "x" * 300
    return {
        "stream": View("/"),
        "stream-filtered": View("/?q=level%3A%3E%3Dwarn+-agent%3Acodex&from=-24h"),
        "stream-nothing": View("/?q=no+such+words&from=-15m"),
        "stream-hint": View("/?q=levl%3Aerror+%22open"),
        "stream-asking": View("/?q=tool%3ABash", click="summary:text('Saved')"),
        "stream-empty": View("/", server="empty"),
        "stream-following": View("/#follow"),
        "keys": View("/", press="?"),
        "runs": View("/runs"),
        "runs-empty": View("/runs", server="empty"),
        "run": View(str(run)),
        "run-conversation": View(str(conversation)),
        "record": View(str(record)),
        "record-call": View(str(call)),
        "stream-long": View("/", server="long"),
        "runs-long": View("/runs", server="long"),
        "run-long": View(f"/run?session={LONG}", server="long"),
        "record-long": View("/", server="long", click=".rows .time a"),
        "numbers": View("/numbers"),
        "numbers-days": View("/numbers?by=day"),
        "numbers-empty": View("/numbers", server="empty"),
        "alerts": View("/alerts"),
        "alerts-empty": View("/alerts", server="empty"),
        "alert": View(alert),
        "alert-new": View("/alerts/new?kind=count&q=level%3A%3E%3Derror"),
        "alert-mistakes": View("/alerts/new?kind=budget", click="button.main"),
        "ingest": View("/ingest"),
        "ingest-empty": View("/ingest", server="empty"),
        "schema": View("/schema", server="filling"),
        "schema-rest": View("/schema"),
        "schema-drift": View("/schema", click="button:text('Look for drift')"),
        "schema-behind": View("/schema", click="button:text('What would')", server="behind"),
        "settings": View("/settings", who=EMAIL, server="closed"),
        "settings-open": View("/settings"),
        "api": View("/docs"),
        "login": View("/login", server="closed"),
        "login-refused": View("/login", click="button.main", server="closed"),
        "error-forbidden": View("/settings", who=READER, server="closed"),
        "error-missing": View("/r/nothing"),
        "error-parameter": View(f"/?from={long}"),
    }


def _take(
    browser: Any, servers: Mapping[str, str], views: Mapping[str, View], scheme: str, size: str
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        reduced_motion="reduce",
        # For the browser's driver, which waits by a script that our policy keeps out.
        bypass_csp=True,
    )
    page = context.new_page()
    for name, view in views.items():
        context.clear_cookies()
        if view.who:
            page.goto(f"{servers[view.server]}/login")
            page.get_by_label("Email").fill(view.who)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/")
        page.goto(servers[view.server] + view.path)
        # The parts that come after the rows are there.
        page.wait_for_function(
            "!document.querySelector('[aria-busy], section[data-fragment]:empty')"
        )
        if view.press:
            page.keyboard.press(view.press)
        if view.click:
            for field in page.locator(f"{FORMS} input[required]").all():
                field.fill(MISTAKES.get(field.get_attribute("type"), "a budget of nothing"))
            page.locator(FORMS).evaluate_all("all => all.forEach(one => (one.noValidate = true))")
            page.locator(view.click).first.click()
            page.wait_for_load_state("load")
        if size == "narrow":
            # As far as it is shown: what is out of sight is not drawn.
            tall = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": max(height, min(tall, TALLEST))})
        file = TO / f"{name}-{scheme}-{size}.png"
        page.screenshot(path=file)
        print(file, flush=True)
        page.set_viewport_size({"width": width, "height": height})
    context.close()


def _alerts(address: str, receiver: str) -> str:
    """Make alerts, let one fire and be told, and return the path of its page."""
    made = [
        _asked(f"{address}/api/v1/alerts", {**one, "url": f"{receiver}/hooks/agents"})
        for one in ALERTS
    ]
    _asked(f"{address}/api/v1/alerts/{made[1]['id']}", {"enabled": False}, method="PATCH")
    errors = [
        {"level": "error", "message": f"the queue refused order {n}", "agent": "orders-api"}
        for n in range(5)
    ]
    _asked(f"{address}/api/v1/logs", errors)
    first = made[0]["id"]
    _asked(f"{address}/api/v1/alerts/{first}/test", {})
    until = time.monotonic() + FIRE_SECONDS
    while time.monotonic() < until:
        told = _asked(f"{address}/api/v1/alerts/{first}/deliveries")["items"]
        if any(one["state"] == "firing" and one["tries"] for one in told):
            break
        time.sleep(1)
    return f"/alerts/{first}"


def _asked(address: str, body: Any = None, method: str | None = None) -> Any:
    asked = urllib.request.Request(  # noqa: S310  (our own server)
        address,
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
        return json.loads(answer.read())


@contextmanager
def _receiver() -> Iterator[str]:
    """A receiver of webhooks that is away at first: its tries have something to show."""
    answers = [503, 204]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answers.pop(0) if answers else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
