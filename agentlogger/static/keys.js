// Keys: every one of them does what a link, a button or a field of the page does too.

import { copyText } from "./copy.js";
import { toggleFollow, togglePause } from "./follow.js";
import { focused, focusOn, items } from "./rows.js";
import { switchZone } from "./times.js";

const SEQUENCE_MS = 1_500;

const VIEWS = { s: "stream", r: "runs_page", n: "numbers_page", a: "alerts_page", i: "ingest_page", m: "schema", p: "settings", d: "documentation" };

const KEYS = [
  ["/", "go to the search", () => goTo("#q")],
  ["t", "go to the span of time", () => goTo("#from")],
  ["Esc", "leave a field or a row", leave],
  ["j", "the next row, also ↓", () => step(1)],
  ["k", "the one before, also ↑", () => step(-1)],
  ["Enter", "open the row", null],
  ["o", "open the row; on a run: unfold all of it, or fold it", openOrUnfold],
  ["s", "the run of the row, or of the record", () => click(focused()?.querySelector(".go a") ?? find(".back a[href*='session='], .back a[href*='trace=']"))],
  ["e", "errors only, or all again", errorsOnly],
  ["[", "newest; on a record: the one before it", () => click(find("tr.this") ? beside("before") : find(".paging a[rel=first]"))],
  ["]", "older; on a record: the one after it", () => click(find("tr.this") ? beside("after") : find(".paging a[rel=next]"))],
  ["f", "follow, or no longer", toggleFollow],
  ["Space", "pause following, and go on", togglePause],
  ["w", "wrap long lines", () => find("table.rows")?.classList.toggle("wrapped")],
  ["u", "times in UTC, or in your zone", switchZone],
  ["y", "copy the link of the row, the record or the page", copyLink],
  ["g g", "to the top", () => jump(items()[0], 0)],
  ["G", "to the end", () => jump(items().at(-1), document.body.scrollHeight)],
  ["?", "these keys", showKeys],
];

const ALSO = { ArrowDown: "j", ArrowUp: "k", Escape: "Esc", " ": "Space" };

let begun = -SEQUENCE_MS;
let dialog;

export function listens() {
  document.addEventListener("keydown", heard);
  for (const button of document.querySelectorAll("[data-show-keys]")) button.addEventListener("click", showKeys);
}

function heard(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const key = ALSO[event.key] ?? event.key;
  if (isTyping(event.target)) {
    if (key === "Esc") event.target.blur();
    return;
  }
  // Space presses a button that has the focus, and arrows scroll until a row has it.
  if (key === "Space" && event.target.closest("button, summary, a")) return;
  if (event.key.startsWith("Arrow") && !focused()) return;
  const isSecond = performance.now() - begun < SEQUENCE_MS;
  begun = -SEQUENCE_MS;
  if (isSecond && key !== "g") {
    click(find(`[data-view="${VIEWS[key]}"]`));
    event.preventDefault();
    return;
  }
  if (key === "g" && !isSecond) {
    begun = performance.now();
    return;
  }
  const [, , act] = KEYS.find(([name]) => name === (isSecond ? "g g" : key)) ?? [];
  // What an action gives back as false it has not done.
  if (act && act() !== false) event.preventDefault();
}

function isTyping(target) {
  return target.matches?.("input, textarea, select") || target.isContentEditable;
}

const find = (selector) => document.querySelector(selector);

function click(element) {
  if (!element) return false;
  element.click();
  return true;
}

function goTo(selector) {
  const field = find(selector);
  if (!field) return false;
  field.focus();
  field.select();
  return true;
}

function leave() {
  if (!focused()) return false;
  document.activeElement.blur();
  return true;
}

function step(by) {
  const all = items();
  const at = all.indexOf(focused());
  focusOn(all[at < 0 ? (by > 0 ? 0 : -1) : at + by]);
  return all.length > 0;
}

function jump(row, top) {
  focusOn(row);
  scrollTo({ top });
}

function beside(which) {
  const all = items();
  const at = all.indexOf(find("tr.this"));
  return all[which === "before" ? at - 1 : at + 1]?.querySelector(".time a");
}

function openOrUnfold() {
  if (focused()) return click(focused().querySelector("a"));
  const folds = [...document.querySelectorAll("#main .turn details")];
  const isAny = folds.some((fold) => !fold.open);
  for (const fold of folds) fold.open = isAny;
  return folds.length > 0;
}

function errorsOnly() {
  const link = find(".choices a[href*='severity_min=error']");
  return click(link?.hasAttribute("aria-current") ? link.parentElement.querySelector("a") : link);
}

function copyLink() {
  const link = focused()?.querySelector("a")?.href;
  const button = find("[data-copy][aria-keyshortcuts=y]");
  if (link) copyText(link).catch(() => {});
  else if (button) button.click();
  else copyText(location.href).catch(() => {});
}

function showKeys() {
  dialog ??= drawn();
  dialog.showModal();
}

function drawn() {
  const box = document.createElement("dialog");
  box.className = "keys";
  box.setAttribute("aria-labelledby", "keys-title");
  const title = element("h2", "Keys");
  title.id = "keys-title";
  const list = document.createElement("dl");
  for (const [key, does] of KEYS) list.append(line(key, does));
  for (const [key, view] of Object.entries(VIEWS)) {
    const link = find(`[data-view="${view}"]`);
    if (link) list.append(line(`g ${key}`, link.textContent));
  }
  const close = element("button", "Close");
  close.type = "button";
  close.addEventListener("click", () => box.close());
  box.append(close, title, list);
  document.body.append(box);
  return box;
}

function line(key, does) {
  const row = document.createElement("div");
  const name = document.createElement("dt");
  name.append(...key.split(" ").map((one) => element("kbd", one)));
  row.append(name, element("dd", does));
  return row;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
