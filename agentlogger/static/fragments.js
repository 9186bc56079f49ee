// Parts of a page that the server draws at addresses of their own.
//
// They come as documents, by XMLHttpRequest: it reads markup without running anything in it, and is
// no place where text becomes markup, which our policy forbids to every script.

export class Refused extends Error {
  constructor(status) {
    super(`${status}`);
    this.status = status;
  }
}

export function fetchDocument(address, signal) {
  return new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open("GET", address);
    asked.responseType = "document";
    asked.setRequestHeader("Accept", "text/html");
    asked.onload = () => (asked.status === 200 && asked.response ? resolve(asked.response) : reject(new Refused(asked.status)));
    asked.onerror = () => reject(new Refused(0));
    asked.onabort = () => reject(new DOMException("Given up", "AbortError"));
    signal?.addEventListener("abort", () => asked.abort());
    asked.send();
  });
}

let afterwards = () => {};

// Rows stand on the page already; the histogram and the facets of the same are asked for after them,
// and given up when somebody goes on. `drawn` is called with each section that has been drawn.
export function loadFragments(drawn) {
  afterwards = drawn;
  const leaving = new AbortController();
  addEventListener("pagehide", () => leaving.abort(), { once: true });
  for (const section of document.querySelectorAll("section[data-fragment]")) load(section, leaving.signal);
}

async function load(section, signal) {
  section.setAttribute("aria-busy", "true");
  try {
    put(section, await fetchDocument(section.dataset.fragment, signal));
  } catch (fault) {
    if (fault.name === "AbortError") return;
    const sentence = document.createElement("p");
    sentence.className = "quiet";
    sentence.textContent = fault.status ? `This could not be drawn: the server said ${fault.status}. Load the page again.` : "This could not be drawn: the server does not answer.";
    section.replaceChildren(sentence);
  } finally {
    section.removeAttribute("aria-busy");
  }
}

// Draws a section that stands already anew. Who has the focus in it keeps it, on the same link; where
// that is gone, and where the server does not answer, the section stays as it is.
export async function redraw(section, address, signal) {
  try {
    const found = await fetchDocument(address, signal);
    const href = section.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const same = href && [...found.querySelectorAll("a")].some((link) => link.getAttribute("href") === href);
    if (section.contains(document.activeElement) && !same) return;
    put(section, found);
    if (same) [...section.querySelectorAll("a")].find((link) => link.getAttribute("href") === href).focus({ preventScroll: true });
  } catch {
    // The next time is soon.
  }
}

function put(section, found) {
  // The address may answer with the section itself, or with what is in it.
  const same = section.id && found.getElementById(section.id);
  section.replaceChildren(...document.importNode(same || found.body, true).childNodes);
  afterwards(section);
}
