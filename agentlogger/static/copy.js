// Buttons that copy: what stands in `data-copy`, or what the server gives at `data-copy-from`.

import { say } from "./say.js";

export function copies() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const { copy, copyFrom } = button.dataset;
    try {
      await copyText(copyFrom ? await given(copyFrom) : copy);
    } catch (fault) {
      say(`Nothing was copied: ${fault.message}`);
    }
  });
}

export async function copyText(text) {
  // A page that came by plain http from another machine has no clipboard.
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else if (!copiedBySelection(text)) throw new Error("this browser does not let a page copy.");
  say("Copied.");
}

async function given(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`the server said ${answer.status}.`);
  return answer.text();
}

function copiedBySelection(text) {
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "hidden";
  document.body.append(field);
  field.select();
  const worked = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return worked;
}
