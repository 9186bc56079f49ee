"""Following: rows come by themselves, wait for who reads, and are bounded."""

from __future__ import annotations

import re
import threading
import time

import pytest

from tests.browser.conftest import Place, sign_in
from tests.journeys.conftest import written
from tests.journeys.serving import serving

pytestmark = pytest.mark.browser

SECONDS, A_SECOND, AT_ONCE = 6, 500, 900

FRAMES = """() => {
  window.frames_ = [];
  window.tasks_ = [];
  const noted = (list) => window.tasks_.push(...list.getEntries().map(one => one.duration));
  new PerformanceObserver(noted).observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  const next = (now) => {
    window.frames_.push(now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""

IDS = "all => all.map(one => one.dataset.id)"

OLDER = """async () => {
  const { rowsOf, ROWS_MOST, tableOfRows } = await import('/static/rows.js');
  const [first] = rowsOf(tableOfRows());
  for (let n = ROWS_MOST; n > 0; n -= 1) {
    const row = first.cloneNode(true);
    row.dataset.id = '0' + String(n).padStart(25, '0');
    first.parentElement.append(row);
  }
  return ROWS_MOST;
}"""

FULL = """async () => {
  const { putIn, rowsOf, ROWS_MOST, tableOfRows } = await import('/static/rows.js');
  const table = tableOfRows();
  const [first] = rowsOf(table);
  const made = Array.from({ length: ROWS_MOST + 100 }, (_, n) => {
    const row = first.cloneNode(true);
    row.dataset.id = 'v' + String(n).padStart(25, '0');
    return row;
  });
  putIn(table, made);
  return [ROWS_MOST, table.tBodies[0].rows.length, rowsOf(table)[0].dataset.id];
}"""


def rows(page):
    return page.locator("tr[data-id]")


def follow(page, place, project: str, first: str) -> None:
    """Sign in, and follow a project that has a record."""
    place.send([{"message": first, "level": "info"}], project)
    sign_in(page)
    page.goto(f"/?project={project}")
    page.keyboard.press("f")
    page.get_by_text("Live", exact=True).wait_for()


def test_who_follows_sees_what_comes_and_is_not_disturbed_while_reading(guarded, window):
    page = window(guarded)
    follow(page, guarded, "live", "the first")
    assert page.url.endswith("#follow")

    guarded.send([{"message": "now", "level": "error"}], "live")
    guarded.send([{"message": "of another project"}], "busy")
    rows(page).get_by_text("now", exact=True).wait_for()
    guarded.send([{"message": "a year ago", "time": "2020-01-01T00:00:00Z"}], "live")
    page.get_by_text("1 older than these").wait_for()

    rows(page).first.hover()
    page.get_by_text(re.compile("^Paused")).wait_for()
    guarded.send([{"message": f"waits {n}"} for n in range(3)], "live")
    pill = page.get_by_role("button", name="3 new")
    pill.wait_for()
    assert rows(page).count() == 2
    pill.click()
    rows(page).get_by_text("waits 2").wait_for()
    assert [text.split("\t")[-1] for text in page.locator("td.text").all_inner_texts()][:3] == [
        "waits 2", "waits 1", "waits 0",
    ]  # fmt: skip

    page.mouse.move(5, 5)
    page.get_by_text(re.compile("^Live")).wait_for()
    page.keyboard.press("Space")
    page.get_by_text(re.compile("^Paused")).wait_for()
    guarded.send([{"message": "by the key"}], "live")
    page.get_by_role("button", name="1 new").wait_for()
    page.keyboard.press("Space")
    rows(page).get_by_text("by the key").wait_for()

    page.keyboard.press("j")
    page.get_by_text(re.compile("^Paused")).wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.get_by_role("button", name="Follow", pressed=False).wait_for()
    assert "#" not in page.url
    assert page.locator("td.text", has_text="of another project").count() == 0


def test_histogram_and_values_are_counted_anew_and_nobody_loses_the_focus(guarded, window):
    page = window(guarded)
    page.clock.install()
    follow(page, guarded, "counted", "the first")
    page.get_by_text("1 record", exact=True).wait_for()
    value = page.locator("#facets a", has_text="info").first
    value.wait_for()
    top = page.locator("table.rows").bounding_box()["y"]
    value.focus()

    guarded.send([{"message": "the second", "level": "info"}], "counted")
    rows(page).get_by_text("the second").wait_for()
    page.clock.fast_forward(10_000)

    page.get_by_text("2 records", exact=True).wait_for()
    page.get_by_text("Of all 2 records").wait_for()
    assert page.evaluate("document.activeElement.textContent").strip() == "info"
    assert page.locator("table.rows").bounding_box()["y"] == top
    page.locator("#histogram summary").click()
    guarded.send([{"message": "the third", "level": "info"}], "counted")
    rows(page).get_by_text("the third").wait_for()
    page.clock.fast_forward(10_000)
    page.get_by_text("Of all 3 records").wait_for()
    assert page.get_by_text("2 records", exact=True).count() == 1
    page.keyboard.press("Space")


def test_filters_hold_for_what_comes(demo, window):
    page = window(demo)
    page.goto("/?severity_min=error&session=none+such")
    page.get_by_text("Nothing matches").wait_for()
    page.keyboard.press("f")
    page.get_by_text("Waiting for a record").wait_for()

    demo.send([{"message": "no error", "session_id": "none such"}])
    demo.send([{"message": "another's", "level": "error"}])
    demo.send([{"message": "this one", "level": "error", "session_id": "none such"}])

    rows(page).get_by_text("this one").wait_for()
    demo.send([{"message": "nor this", "session_id": "none such"}])
    demo.send([{"message": "and this", "level": "fatal", "session_id": "none such"}])
    rows(page).get_by_text("and this").wait_for()
    assert rows(page).count() == 2


def test_more_than_can_be_read_is_sampled_and_said(guarded, window, record_property):
    page = window(guarded, reduced_motion="reduce")
    follow(page, guarded, "busy", "the first")
    # Whoever has followed for long has as many rows as a page holds.
    most = page.evaluate(OLDER)
    before = set(rows(page).evaluate_all(IDS))
    page.evaluate(FRAMES)
    sampled: list[str] = []

    def send() -> None:
        begin = time.monotonic()
        for n in range(SECONDS * 10):
            batch = [{"message": f"{n} {i}", "x": "y" * 200} for i in range(A_SECOND // 10)]
            guarded.send(batch, "busy")
            time.sleep(max(0.0, begin + (n + 1) / 10 - time.monotonic()))
        # However slow the machine is, these come at once.
        guarded.send([{"message": f"at once {i}"} for i in range(AT_ONCE)], "busy")

    sender = threading.Thread(target=send)
    sender.start()
    says = page.locator("[data-says]")
    while sender.is_alive():
        sampled.append(says.inner_text())
        page.wait_for_timeout(250)
    sender.join()
    page.get_by_text(re.compile("[0-9] left out")).wait_for()
    frames = page.evaluate("window.frames_")
    shown = len(set(rows(page).evaluate_all(IDS)) - before)
    told = [text for text in sampled if "a second" in text]
    tasks = page.evaluate("window.tasks_")
    slow = sum(one > 100 for one in frames)
    figures = f"{len(frames)} frames, {slow} over 100 ms, longest {max(frames):.0f} ms"
    figures += f"; {len(tasks)} tasks over 50 ms, longest {max(tasks, default=0):.0f} ms"
    figures += f"; {shown} rows; {told[-1:]}"
    record_property("follow", figures)
    print(f"\nfollow at {A_SECOND} a second: {figures}")
    assert 0 < shown < SECONDS * A_SECOND + AT_ONCE

    assert rows(page).count() <= most
    _, held, newest = page.evaluate(FULL)
    assert (held, newest) == (most, "v" + str(most + 99).zfill(25))


def test_a_server_that_ends_and_starts_anew_is_followed_from_where_one_was(
    sqlite_databases, tmp_path, window
):
    database = written(sqlite_databases.clone())
    with serving(database, tmp_path / "instance") as first:
        # Its window may say that a connection failed.
        page = window(Place(first.address, {}), is_watched=False)
        Place(first.address, {}).send([{"message": "before"}])
        page.goto("/#follow")
        page.get_by_text("Live", exact=True).wait_for()
        first.stop()
    page.get_by_text("Not connected").wait_for()

    with serving(database, tmp_path / "instance", port=first.port) as second:
        assert second.port == first.port
        Place(second.address, {}).send([{"message": "after"}])

        rows(page).get_by_text("after").wait_for()
        page.get_by_text("Live", exact=True).wait_for()
        assert rows(page).count() == 2
