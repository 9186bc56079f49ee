// The table of records: rows put in where they belong, days above them, and one that is looked at.

import { dayOf, showTimes } from "./times.js";

export const ROWS_MOST = 2000; // What a browser lays out without a pause.

export function tableOfRows() {
  return document.querySelector("#main table.rows");
}

export function rowsOf(table) {
  return [...table.tBodies[0].rows].filter((row) => row.dataset.id);
}

// Puts rows in, the newest above, as their ids sort; a row that is there already is drawn anew.
// Returns what became of them: how many are new, and how many are older than all that is shown.
export function putIn(table, fresh) {
  const body = table.tBodies[0];
  const came = { added: 0, late: 0 };
  let place = nextRow(body.firstElementChild);
  for (const row of fresh.sort((a, b) => (a.dataset.id < b.dataset.id ? 1 : -1))) {
    while (place && place.dataset.id > row.dataset.id) place = nextRow(place.nextElementSibling);
    const drawn = document.importNode(row, true);
    showTimes(drawn);
    if (!place) came.late += 1;
    else if (place.dataset.id === row.dataset.id) place = renewed(place, drawn);
    else {
      drawn.classList.add("fresh");
      place.before(drawn);
      came.added += 1;
    }
  }
  const cut = trimmed(body);
  groupByDay(table);
  return { ...came, cut };
}

function nextRow(row) {
  while (row && !row.dataset.id) row = row.nextElementSibling;
  return row;
}

function renewed(old, drawn) {
  const focused = old.contains(document.activeElement);
  old.replaceWith(drawn);
  if (focused) linkOf(drawn)?.focus({ preventScroll: true });
  return drawn;
}

function trimmed(body) {
  // A heading of a day is a row too; one too many does no harm.
  let cut = 0;
  for (let last = body.lastElementChild; body.rows.length > ROWS_MOST; last = body.lastElementChild) {
    cut += Boolean(last.dataset.id);
    last.remove();
  }
  return cut;
}

// Sets the headings of days anew, by the zone in which times are shown.
export function groupByDay(table) {
  let day = "";
  for (const row of [...table.tBodies[0].rows]) {
    const below = row.nextElementSibling;
    if (!row.dataset.id) {
      if (!below?.dataset.id || dayOfRow(below) === day) row.remove();
      continue;
    }
    const own = dayOfRow(row);
    if (own !== day) head(row, own, table.tHead.rows[0].cells.length);
    day = own;
  }
}

function head(row, day, columns) {
  const above = row.previousElementSibling;
  if (!above || above.dataset.id) row.before(heading(day, columns));
  else if (above.firstElementChild.textContent !== day) above.firstElementChild.textContent = day;
}

function dayOfRow(row) {
  return dayOf(row.querySelector("time").dateTime);
}

function heading(day, columns) {
  const row = document.createElement("tr");
  const cell = document.createElement("th");
  row.className = "day";
  cell.colSpan = columns;
  cell.scope = "rowgroup";
  cell.textContent = day;
  row.append(cell);
  return row;
}

// A row is looked at where its link has the focus: Enter opens it as any link.
function linkOf(row) {
  return row.querySelector(".time a, .title a");
}

export function items() {
  return [...document.querySelectorAll("#main tr[data-id], #main .sessions tbody tr:not(.day)")].filter(linkOf);
}

export function focused() {
  const row = document.activeElement?.closest("tr");
  return row && linkOf(row) ? row : null;
}

export function focusOn(row) {
  const link = row && linkOf(row);
  if (!link) return;
  link.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

// Who comes back finds the row that was looked at.
export function remembers() {
  const { row } = history.state ?? {};
  if (row) focusOn(items().find((one) => one.dataset.id === row));
  addEventListener("pagehide", () => {
    const id = focused()?.dataset.id;
    if (id) history.replaceState({ ...history.state, row: id }, "");
  });
  document.addEventListener("zone", () => {
    for (const table of document.querySelectorAll("table.rows")) if (table.querySelector("tr.day")) groupByDay(table);
  });
}
