// Following: what is stored is shown while somebody looks.
//
// The tail says which records came, and their rows are asked for in one request for many, drawn by
// the server as all others. Where more comes than can be read, some rows are left out, and it says
// how many. Nothing moves under who reads: rows wait while somebody points at them, has marked some
// text, has gone down the page or to a row, or looks at another window.

import { Counts } from "./counts.js";
import { fetchDocument } from "./fragments.js";
import { Rate } from "./rate.js";
import { focused, putIn, ROWS_MOST, tableOfRows } from "./rows.js";
import { say } from "./say.js";
import { Tail } from "./tail.js";
import { MARK, Waiting } from "./waiting.js";

const ASKED_MOST = 50; // As many ids as the server takes at once.
const BETWEEN_MS = 500; // So a hundred rows a second: more than anybody reads.
const WAITING_MOST = 500; // Rows that wait to be asked for; the oldest of more are left out.
const TOLD_MS = 10_000; // How often who listens is told how many came.
const LEAVE_MS = 600;
const TOP_PIXELS = 60; // Whoever has gone down further reads.

let current = null;

export function follows() {
  const place = document.querySelector(".live[data-tail]");
  if (!place) return;
  const table = tableOfRows();
  current = table ? new Following(place, table) : new Waiting(place);
  addEventListener("pagehide", () => current.close());
  addEventListener("pageshow", (event) => event.persisted && current.resume());
}

export function toggleFollow() {
  current?.toggle();
}

export function togglePause() {
  return current?.togglePause?.() ?? false;
}

class Following {
  constructor(place, table) {
    this.place = place;
    this.table = table;
    this.button = place.querySelector("button");
    this.says = place.querySelector("[data-says]");
    this.waiting = new Set();
    this.leftOut = 0;
    this.added = 0;
    this.late = 0;
    this.untold = 0;
    this.pauses = new Set();
    this.rate = new Rate();
    this.counts = new Counts(() => this.isOn && !this.pauses.size);
    this.tail = new Tail(place.dataset.tail, {
      open: () => this.caughtUp(),
      record: ({ id }) => this.arrived(id),
      update: ({ id }) => this.arrived(id),
      gap: (gap) => this.missed(gap),
      end: (end) => this.ended(end),
      lost: () => this.isOn && this.tell("Not connected: trying again"),
    });
    this.pill = pill(() => this.goOn());
    this.watch();
    this.button.addEventListener("click", () => this.toggle());
    if (location.hash === MARK) this.toggle();
  }

  toggle() {
    this.isOn = !this.isOn;
    this.button.setAttribute("aria-pressed", this.isOn);
    // In the address, without a step back: who loads the page again goes on following.
    const { pathname, search } = location;
    history.replaceState(history.state, "", this.isOn ? MARK : pathname + search);
    if (this.isOn) {
      this.tell("Connecting");
      this.pauseWhere();
      this.resume();
    } else {
      this.close();
      this.pauses.delete("asked");
      this.waiting.clear();
      this.pill.hidden = true;
      this.tell("");
    }
  }

  close() {
    this.tail.close();
    this.counts.stop();
    clearInterval(this.timer);
    clearTimeout(this.next);
    this.next = null;
  }

  resume() {
    if (!this.isOn) return;
    this.tail.open();
    this.counts.start();
    this.timer = setInterval(() => this.tellOften(), 1_000);
  }

  // --- what the tail tells

  arrived(id) {
    this.rate.came();
    this.counts.came();
    this.waiting.delete(id);
    this.waiting.add(id);
    if (this.waiting.size > WAITING_MOST) {
      this.waiting.delete(this.waiting.values().next().value);
      this.leftOut += 1;
    }
    this.schedule();
  }

  // What came while the page was loaded, or while nobody could tell, is among the newest.
  async caughtUp() {
    await this.ask(this.place.dataset.rows);
    this.tellOften();
  }

  missed({ records }) {
    this.leftOut += records ?? 0;
    say(records ? `${count(records)} records were not sent: this browser was too slow.` : "Some records were missed: search to see all.");
    this.caughtUp();
  }

  ended({ reason, detail }) {
    if (reason !== "key") return;
    this.toggle();
    this.tell(detail);
  }

  // --- rows

  schedule() {
    if (this.pauses.size) this.showWaiting();
    else if (!this.next && !this.isAsking && this.waiting.size) {
      const since = performance.now() - (this.asked ?? -BETWEEN_MS);
      this.next = setTimeout(() => this.draw(), Math.max(0, BETWEEN_MS - since));
    }
  }

  async draw(isWanted = false) {
    clearTimeout(this.next);
    this.next = null;
    if (!this.isOn || this.isAsking || (this.pauses.size && !isWanted)) return this.schedule();
    this.asked = performance.now();
    const ids = [...this.waiting].slice(-ASKED_MOST);
    for (const id of ids) this.waiting.delete(id);
    const { rows } = this.place.dataset;
    this.isAsking = true;
    await this.ask(`${rows}${rows.includes("?") ? "&" : "?"}ids=${ids.join(",")}`);
    this.isAsking = false;
    this.schedule();
  }

  async ask(address) {
    try {
      const found = await fetchDocument(address);
      const fresh = [...found.querySelectorAll("tr[data-id]")];
      await frame();
      if (this.isOn) this.put(fresh);
    } catch (fault) {
      this.tell([401, 403].includes(fault.status) ? "Signed out: sign in again" : `Rows could not be drawn (${fault.status || "no answer"})`);
    }
  }

  put(fresh) {
    const { added, late, cut } = putIn(this.table, fresh);
    this.added += added;
    this.late += late;
    this.untold += added;
    this.rate.shown(added);
    if (cut) this.pageOn();
  }

  // The link to older ones leads to behind what is left.
  pageOn() {
    const last = this.table.tBodies[0].lastElementChild.querySelector("time");
    const older = document.querySelector(".paging");
    if (!last || !older) return;
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("to", last.dateTime);
    const link = document.createElement("a");
    link.className = "button";
    link.rel = "next";
    link.href = address.href;
    link.textContent = "Older";
    const note = document.createElement("span");
    note.className = "quiet";
    note.textContent = `The newest ${count(ROWS_MOST)} stay here.`;
    older.replaceChildren(link, note);
  }

  // --- who reads is not disturbed

  watch() {
    const pause = (why, holds) => this.pause(why, holds);
    const box = this.table;
    let left;
    const point = (event) => {
      if (event.pointerType !== "mouse") return;
      clearTimeout(left);
      pause("pointing", true);
    };
    // Not at once: the button that shows what waits stays while somebody is on the way to it.
    const leave = () => (left = setTimeout(() => pause("pointing", false), LEAVE_MS));
    for (const over of [box, this.pill]) {
      over.addEventListener("pointerenter", point);
      over.addEventListener("pointerleave", leave);
    }
    addEventListener("scroll", () => pause("scrolled", scrollY > TOP_PIXELS), { passive: true });
    document.addEventListener("selectionchange", () => pause("marked", isMarked(box)));
    document.addEventListener("visibilitychange", () => pause("hidden", document.hidden));
    box.addEventListener("focusin", () => pause("focus", true));
    box.addEventListener("focusout", (event) => pause("focus", box.contains(event.relatedTarget)));
  }

  pauseWhere() {
    this.pause("scrolled", scrollY > TOP_PIXELS);
    this.pause("marked", isMarked(this.table));
    this.pause("hidden", document.hidden);
    this.pause("focus", Boolean(focused()));
  }

  pause(why, holds) {
    if (this.pauses.has(why) === holds) return;
    if (holds) this.pauses.add(why);
    else this.pauses.delete(why);
    if (!this.isOn) return;
    this.showWaiting();
    this.schedule();
    this.tellOften();
  }

  togglePause() {
    if (!this.isOn) return false;
    this.pause("asked", !this.pauses.has("asked"));
    return true;
  }

  goOn() {
    getSelection().removeAllRanges();
    if (focused()) document.activeElement.blur();
    scrollTo({ top: 0 });
    this.pauses.clear();
    // Once in any case: what the button was in front of may be a row, which is pointed at now.
    this.draw(true);
    this.showWaiting();
    this.tellOften();
  }

  showWaiting() {
    const number = this.waiting.size;
    this.pill.hidden = !this.pauses.size || !number;
    this.pill.textContent = `${count(number)}${number >= WAITING_MOST ? "+" : ""} new ↑`;
  }

  // --- words

  tellOften() {
    if (!this.isOn || this.tail.source?.readyState !== EventSource.OPEN) return;
    const { came, shown } = this.rate.lately();
    const isSample = came > shown + 5 && !this.pauses.size && this.waiting.size > ASKED_MOST;
    const parts = [this.pauses.size ? "Paused" : "Live"];
    if (isSample) parts.push(`showing ${count(shown)} of ${count(came)} a second`);
    if (this.leftOut) parts.push(`${count(this.leftOut)} left out`);
    if (this.late) parts.push(`${count(this.late)} older than these`);
    this.tell(parts.join(" · "));
    const now = performance.now();
    if (this.untold && now - (this.toldAt ?? 0) > TOLD_MS) {
      this.toldAt = now;
      this.aloud(`${count(this.untold)} new records`);
      this.untold = 0;
    }
  }

  tell(text) {
    if (this.says.textContent !== text) this.says.textContent = text;
  }

  aloud(text) {
    this.voice ??= voice(this.place);
    this.voice.textContent = text;
  }
}

const count = (number) => number.toLocaleString("en");

const frame = () => new Promise((resolve) => (document.hidden ? resolve() : requestAnimationFrame(resolve)));

function isMarked(box) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.rangeCount > 0 && selection.containsNode(box, true);
}

function pill(clicked) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "main pill";
  button.hidden = true;
  button.addEventListener("click", clicked);
  document.body.append(button);
  return button;
}

function voice(place) {
  const line = document.createElement("span");
  line.className = "hidden";
  line.setAttribute("role", "status");
  place.append(line);
  return line;
}
