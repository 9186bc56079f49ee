// A page without rows: the first that comes makes it one with rows, which is followed.

import { fetchDocument } from "./fragments.js";
import { Tail } from "./tail.js";

export const MARK = "#follow"; // In the address: this page is followed from its beginning on.

export class Waiting {
  constructor(place) {
    this.place = place;
    this.button = place.querySelector("button");
    this.tail = new Tail(place.dataset.tail, {
      open: () => this.look(),
      record: () => this.look(),
      gap: () => this.look(),
      lost: () => {},
    });
    this.button?.addEventListener("click", () => this.toggle());
    if (!this.button || location.hash === MARK) this.toggle();
  }

  toggle() {
    this.isOn = !this.isOn;
    this.button?.setAttribute("aria-pressed", this.isOn);
    if (this.isOn) this.tail.open();
    else this.tail.close();
    if (this.button) this.place.querySelector("[data-says]").textContent = this.isOn ? "Waiting for a record" : "";
  }

  // Also when the tail opens: the record may have come before it.
  async look() {
    // Who is told of a record while looking looks once more: what was found may be from before it.
    this.isWanted = true;
    if (this.isLooking) return;
    this.isLooking = true;
    while (this.isWanted) {
      this.isWanted = false;
      if (await this.isThere()) return;
    }
    this.isLooking = false;
  }

  async isThere() {
    try {
      const found = await fetchDocument(this.place.dataset.rows);
      if (found.querySelector("tr[data-id]")) {
        this.close();
        history.replaceState(history.state, "", MARK);
        location.reload();
        return true;
      }
    } catch {
      // The next event looks again.
    }
    return false;
  }

  resume() {
    if (this.isOn) this.tail.open();
  }

  close() {
    this.tail.close();
  }
}
