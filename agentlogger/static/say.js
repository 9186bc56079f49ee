// A word to who looks, and to who listens: one line at the foot of the window, for a moment.

const SHOWN_MS = 4000;

let line;
let timer;

export function say(text) {
  if (!line) {
    line = document.createElement("p");
    line.className = "say";
    line.setAttribute("role", "status");
    document.body.append(line);
  }
  line.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => (line.textContent = ""), SHOWN_MS);
}
