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

// Rows stand on the page already; the histogram and the facets of the same are asked for after them,
// and given up when somebody goes on.
export function loadFragments(drawn) {
  const leaving = new AbortController();
  addEventListener("pagehide", () => leaving.abort(), { once: true });
  for (const section of document.querySelectorAll("section[data-fragment]")) {
    load(section, leaving.signal).then((loaded) => loaded && drawn(section));
  }
}

async function load(section, signal) {
  section.setAttribute("aria-busy", "true");
  try {
    const found = await fetchDocument(section.dataset.fragment, signal);
    // The address may answer with the section itself, or with what is in it.
    const same = section.id && found.getElementById(section.id);
    section.replaceChildren(...document.importNode(same || found.body, true).childNodes);
    return true;
  } catch (fault) {
    if (fault.name === "AbortError") return false;
    const sentence = document.createElement("p");
    sentence.className = "quiet";
    sentence.textContent = fault.status ? `This could not be drawn: the server said ${fault.status}. Load the page again.` : "This could not be drawn: the server does not answer.";
    section.replaceChildren(sentence);
    return false;
  } finally {
    section.removeAttribute("aria-busy");
  }
}
