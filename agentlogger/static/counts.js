// The histogram and the values are counted anew while somebody follows: seldom, only where something
// came, and never under who is about to use them.

import { redraw } from "./fragments.js";

const EVERY_MS = 10_000;
const SHARE = 10; // Counting may take the server seconds: at most a tenth of the time goes into it.
const USED = ":hover, :active, :has(details[open]), :has(a.chosen)"; // Pointed at, unfolded, or drawn over.

export class Counts {
  // `isWanted` says whether somebody follows and sees what is drawn.
  constructor(isWanted) {
    this.isWanted = isWanted;
    this.sections = [...document.querySelectorAll("section[data-counts]")];
  }

  // Something came that is not counted yet.
  came() {
    this.isBehind = true;
  }

  start() {
    this.stop();
    if (this.sections.length) this.timer = setTimeout(() => this.count(), EVERY_MS);
  }

  stop() {
    clearTimeout(this.timer);
    this.leaving?.abort();
    this.leaving = null;
  }

  async count() {
    const leaving = (this.leaving = new AbortController());
    const began = performance.now();
    if (this.isBehind && this.isWanted()) {
      // What is in use now has its turn the next time.
      const free = this.sections.filter((section) => !section.matches(USED));
      this.isBehind = free.length < this.sections.length;
      await Promise.all(free.map((section) => renew(section, leaving.signal)));
    }
    if (leaving.signal.aborted) return;
    const taken = performance.now() - began;
    this.timer = setTimeout(() => this.count(), Math.max(EVERY_MS, SHARE * taken));
  }
}

async function renew(section, signal) {
  // It never gets lower, so that what stands below does not come up.
  section.style.minHeight = `${section.getBoundingClientRect().height}px`;
  await redraw(section, section.dataset.counts, signal);
}
