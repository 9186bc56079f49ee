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
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const found = await fetchDocument(this.place.dataset.rows);
      if (found.querySelector("tr[data-id]")) {
        this.close();
        history.replaceState(history.state, "", MARK);
        location.reload();
        return;
      }
    } catch {
      // The next event looks again.
    }
    this.isLooking = false;
  }

  resume() {
    if (this.isOn) this.tail.open();
  }

  close() {
    this.tail.close();
  }
}
