// Times in UTC, as the server writes them, or in the reader's own zone: a switch that is remembered.
//
// Only what differs is written anew, the day and the hours and minutes: digits behind the second stay
// as the server wrote them, to the nanosecond.

const KEPT = "agentlogger.zone";

let isLocal = remembered();

function remembered() {
  try {
    return localStorage.getItem(KEPT) === "local";
  } catch {
    return false; // A browser that keeps nothing for us shows UTC.
  }
}

export function showTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.dataset.utc ??= time.textContent;
    time.textContent = isLocal ? local(time.dateTime, time.dataset.utc) : time.dataset.utc;
  }
  for (const label of within.querySelectorAll("[data-zone]")) label.textContent = zone();
}

// The day that a row stands under.
export function dayOf(iso) {
  return isLocal ? local(iso, iso.slice(0, 10)) : iso.slice(0, 10);
}

export function switchZone() {
  isLocal = !isLocal;
  try {
    localStorage.setItem(KEPT, isLocal ? "local" : "utc");
  } catch {
    // It holds for this page then.
  }
  label();
  showTimes(document);
  document.dispatchEvent(new Event("zone"));
}

export function switches() {
  label();
  for (const button of document.querySelectorAll("[data-switch-zone]")) button.addEventListener("click", switchZone);
}

export function zone() {
  return isLocal ? "local" : "UTC";
}

function label() {
  for (const button of document.querySelectorAll("[data-switch-zone]")) {
    button.textContent = isLocal ? `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}` : "Times in UTC";
  }
}

function local(iso, text) {
  // Date knows milliseconds, and some browsers refuse more digits.
  const moment = new Date(iso.replace(/(\.\d{3})\d+/, "$1"));
  if (Number.isNaN(moment.getTime())) return text;
  const minutes = -moment.getTimezoneOffset();
  const there = new Date(moment.getTime() + minutes * 60_000).toISOString();
  return text
    .replace(/\d{4}-\d\d-\d\d/, there.slice(0, 10))
    .replace(/\b\d\d:\d\d\b|(?<=T)\d\d:\d\d/, there.slice(11, 16))
    .replace(/Z$/, offset(minutes));
}

function offset(minutes) {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}
