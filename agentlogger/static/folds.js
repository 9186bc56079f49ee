// What unfolds over a page is let go of by Escape and by a click elsewhere, as a menu is.

const OPEN = "details.fold[open]";

export function folds() {
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && !event.defaultPrevented && document.querySelector(OPEN);
    if (!open || document.querySelector("dialog[open]")) return;
    open.open = false;
    open.querySelector("summary").focus();
    event.preventDefault();
  });
  document.addEventListener("pointerdown", (event) => {
    for (const open of document.querySelectorAll(OPEN)) if (!open.contains(event.target)) open.open = false;
  });
}
