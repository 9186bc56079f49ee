"""Debian's Chromium, servers with something to see, and windows that notice what is forbidden."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from agentlogger.app import create_app
from agentlogger.migrate.ledger import instances
from agentlogger.models.database import db
from agentlogger.store import keys, projects, searches, users
from agentlogger.store.connections import writing
from agentlogger.store.scope import OperatorScope, ProjectScope
from tests.conftest import settings_for
from tests.journeys.conftest import written
from tests.journeys.requirements import need
from tests.journeys.serving import serving
from tests.pages.test_demo import fill
from tests.pages.test_pages import EVERYTHING, HOSTILE, hostile_records

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_MS = 60_000
"""For a machine that is ten times slower and stalls for seconds."""

FEW = "/?q=ok:false"
"""A stream of some rows: judges look at every cell, and fifty rows say no more."""

EMAIL, PASSWORD = "alice@example.org", "correct horse battery"
STAGE = OperatorScope("the tests set the stage")
ALERT = {"window_seconds": 86_400, "url": "http://127.0.0.1:9"}
PRINTABLE = [text for text in HOSTILE if text.isprintable()]
"""What a header can carry, and what an alert may be called."""
BREACHES = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""


@dataclass(frozen=True)
class Place:
    """A server: its address, and the key of each of its projects where it asks for one."""

    address: str
    keys: dict[str, str]
    alert: str = ""
    """The id of an alert that is there."""

    def send(self, records: list[dict[str, Any]], project: str = "default") -> None:
        headers = {"Content-Type": "application/json"}
        if self.keys:
            headers["Authorization"] = f"Bearer {self.keys[project]}"
        body = json.dumps(records).encode()
        asked = urllib.request.Request(f"{self.address}/api/v1/logs", body, headers)  # noqa: S310  (our own server)
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            answer.read()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The one browser of a run."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    need("chromium", found is not None, "apt-get install chromium")
    need("chromium", sync_playwright is not None, "make browser installs playwright")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> str:
    """Which database: SQLite where a test does not ask for both."""
    return getattr(request, "param", "sqlite")


@pytest.fixture(scope="session")
def stage(kind, request, tmp_path_factory) -> Callable[..., Any]:
    """Starts a server on a database that somebody has filled beforehand."""
    databases = request.getfixturevalue(f"{kind}_databases")

    def start(prepare: Callable[[Flask], dict[str, str]]):
        url, folder = databases.clone(), tmp_path_factory.mktemp("stage")
        app = create_app(settings_for(url, folder))
        made = prepare(app)
        with app.app_context():
            db.engine.dispose()
        return serving(written(url), folder / "instance"), made

    return start


@pytest.fixture(scope="session")
def demo(stage) -> Iterator[Place]:
    """A server with three days of agents' work, to read."""

    def prepare(app: Flask) -> dict[str, str]:
        fill(app.test_client())
        return {}

    with stage(prepare)[0] as server:
        yield Place(server.address, {})


@pytest.fixture(scope="session")
def hostile(stage) -> Iterator[Place]:
    """A server on which whatever somebody can name or send is hostile."""

    def prepare(app: Flask) -> dict[str, str]:
        client = app.test_client()
        for agent in PRINTABLE:
            # What is refused names who sent it; then what is stored, and the same once more.
            client.post("/api/v1/logs", data=b"{", headers={"User-Agent": agent})
            client.post("/v1/logs/v1/logs", headers={"User-Agent": agent})
        for accepted in (len(hostile_records()), 0):
            known = [{**one, "id": str(n)} for n, one in enumerate(hostile_records())]
            answer = client.post("/api/v1/logs", json=known)
            assert answer.get_json()["accepted"] == accepted
        with app.app_context():
            name_hostile_things()
        return {"alert": [make_alerts(client, text) for text in PRINTABLE][1]}

    starting, made = stage(prepare)
    with starting as server:
        yield Place(server.address, {}, alert=made["alert"])


def name_hostile_things() -> None:
    """Give projects, keys, searches, revisions and programs the names of payloads."""
    own = next(row["id"] for row in projects.all_of(STAGE) if row["name"] == projects.DEFAULT_NAME)
    for text in HOSTILE:
        scope = ProjectScope(projects.create(STAGE, text))
        keys.create(scope, name=text, scopes=("read",), expires_ns=None)
        searches.create(ProjectScope(own), name=text, query="level:error", created_by=text)
    with writing() as connection:
        said = sa.text("UPDATE migration_history SET message = :text, who = :text")
        connection.execute(said, {"text": EVERYTHING})
        instances.beat(connection, EVERYTHING, (EVERYTHING,), None)


def make_alerts(client: Any, text: str) -> str:
    """Make an alert of each kind that is named so, and return the id of one that can fire."""
    kinds: list[dict[str, Any]] = [
        {"kind": "silence"},
        {"kind": "budget", "threshold": 1, "per": "user"},
        {"kind": "count", "query": "level:error", "threshold": 0, "per": "session"},
    ]
    for one in kinds:
        named = ALERT | one | {"name": f"{one['kind']} {text}"}
        made = client.post("/api/v1/alerts", json=named)
        assert made.status_code == 201, made.get_json()
    return str(made.get_json()["id"])


@pytest.fixture(scope="session")
def guarded(stage) -> Iterator[Place]:
    """A server with an account, and projects without a record."""

    def prepare(app: Flask) -> dict[str, str]:
        with app.app_context():
            users.create(STAGE, email=EMAIL, password=PASSWORD, full_name=None, is_admin=True)
            scopes = {
                n: ProjectScope(projects.create(STAGE, n))
                for n in ("first", "live", "busy", "counted", "still")
            }
            return {
                name: keys.create(scope, name="test", scopes=("ingest", "read"), expires_ns=None)
                for name, scope in scopes.items()
            }

    starting, made = stage(prepare)
    with starting as server:
        yield Place(server.address, made)


@pytest.fixture
def window(browser) -> Iterator[Callable[..., Any]]:
    """Opens windows; at the end nothing forbidden has happened in any of them."""
    noticed: list[str] = []
    opened: list[Any] = []

    def open_one(place: Place, *, is_watched: bool = True, **options: Any):
        options = {
            "viewport": {"width": 1440, "height": 900},
            "timezone_id": "Asia/Kolkata",
        } | options
        context = browser.new_context(base_url=place.address, **options)
        opened.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(BREACHES)
        page = context.new_page()
        if not is_watched:
            return page
        page.on(
            "dialog", lambda dialog: (noticed.append(f"dialog {dialog.message}"), dialog.dismiss())
        )
        page.on("pageerror", lambda fault: noticed.append(f"error {fault}"))
        page.on("console", lambda said: noticed.append(f"{said.type} {said.text}"))
        page.on(
            "request", lambda asked: _own(place, asked.url) or noticed.append(f"to {asked.url}")
        )
        return page

    yield open_one
    for context in opened:
        context.close()
    assert noticed == []


def _own(place: Place, address: str) -> bool:
    return address.startswith((place.address, "data:", "blob:"))


def sign_in(page: Any) -> None:
    """Fill in the form, as a person does."""
    page.goto("/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def views_of(page: Any) -> dict[str, str]:
    """Every view of the demo, by its name: where it is. The lists have few rows."""
    page.goto("/?q=kind:llm")
    row = page.locator("tr[data-id]").first
    record, run = (row.locator(place).first.get_attribute("href") for place in (".time a", ".go a"))
    return {
        "stream": FEW,
        "runs": "/runs",
        "run": run,
        "record": record,
        "numbers": "/numbers",
        "days": "/numbers?by=day",
        "alerts": "/alerts",
        "alert": "/alerts/new",
        "ingest": "/ingest",
        "schema": "/schema",
        "settings": "/settings",
        "api": "/docs",
    }


def is_whole(page: Any) -> None:
    """Wait for the parts that come after the rows."""
    page.wait_for_load_state("load")
    page.locator("section[data-fragment]:empty, [aria-busy]").first.wait_for(state="detached")


def pictures(request: pytest.FixtureRequest) -> Path:
    """Where pictures of a run are kept."""
    folder = Path(request.config.rootpath) / "build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
