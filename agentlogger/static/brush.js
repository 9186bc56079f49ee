// A span of time is chosen by drawing over the histogram's bars: by mouse, pen or finger, or by Shift
// and the arrows from a bar that has the focus, and Enter.

const BARS = "a[data-from-ns][data-to-ns]";

export function brushable(within) {
  const histogram = within.id === "histogram" ? within : within.querySelector?.("#histogram");
  // Its legend has pictures too.
  const picture = histogram?.querySelector(BARS)?.closest("svg");
  if (!picture || picture.dataset.brush) return;
  picture.dataset.brush = "on";
  new Brush(picture);
}

class Brush {
  constructor(picture) {
    this.picture = picture;
    this.bars = [...picture.querySelectorAll(BARS)];
    // Tab comes to one of them, and the arrows go on from there.
    this.bars.at(-1).tabIndex = 0;
    picture.addEventListener("pointerdown", (event) => this.begin(event));
    picture.addEventListener("pointermove", (event) => this.move(event));
    picture.addEventListener("pointerup", (event) => this.end(event));
    picture.addEventListener("pointercancel", () => this.clear());
    // A bar is a link: one that was drawn over is not followed, and none is dragged away.
    picture.addEventListener("dragstart", (event) => event.preventDefault());
    picture.addEventListener("click", (event) => this.drawn && event.preventDefault(), true);
    picture.addEventListener("keydown", (event) => this.key(event));
  }

  begin(event) {
    if (event.button !== 0) return;
    this.drawn = false;
    this.anchor = this.reach = this.at(event.clientX);
    this.pointer = event.pointerId;
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    const at = this.at(event.clientX);
    if (at === this.anchor && !this.drawn) return;
    this.drawn = true;
    // Only now: a click would go to the picture instead of its bar.
    this.picture.setPointerCapture(event.pointerId);
    this.reach = at;
    this.mark();
  }

  end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    if (this.drawn) this.choose();
  }

  key(event) {
    if (event.key === "Escape" && this.drawn) {
      event.stopPropagation();
      return this.clear();
    }
    const at = this.bars.indexOf(event.target.closest(BARS));
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter" && this.drawn) {
      event.preventDefault();
      return this.choose();
    }
    if (!by || at < 0) return;
    event.preventDefault();
    if (event.shiftKey) {
      if (!this.drawn) this.anchor = this.reach = at;
      this.drawn = true;
      this.reach = this.within(this.reach + by);
      this.mark();
      this.bars[this.reach].focus();
    } else {
      this.clear();
      this.bars[this.within(at + by)].focus();
    }
  }

  // The bar at this place, or the next one to it.
  at(x) {
    let nearest = 0;
    let least = Infinity;
    this.bars.forEach((bar, number) => {
      const { left, right } = bar.getBoundingClientRect();
      const away = x < left ? left - x : Math.max(0, x - right);
      if (away < least) [nearest, least] = [number, away];
    });
    return nearest;
  }

  within(number) {
    return Math.max(0, Math.min(this.bars.length - 1, number));
  }

  span() {
    return [Math.min(this.anchor, this.reach), Math.max(this.anchor, this.reach)];
  }

  mark() {
    const [first, last] = this.span();
    this.bars.forEach((bar, number) => bar.classList.toggle("chosen", first <= number && number <= last));
  }

  clear() {
    this.drawn = false;
    this.pointer = null;
    for (const bar of this.bars) bar.classList.remove("chosen");
  }

  choose() {
    const [first, last] = this.span();
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.delete("cursor");
    address.searchParams.set("from", iso(this.bars[first].dataset.fromNs));
    address.searchParams.set("to", iso(this.bars[last].dataset.toNs));
    location.assign(address);
  }
}

// Nanoseconds as people read them, none lost: numbers end at 2^53.
function iso(ns) {
  const whole = BigInt(ns);
  const seconds = new Date(Number(whole / 1_000_000n)).toISOString().slice(0, 19);
  const rest = String(whole % 1_000_000_000n).padStart(9, "0").replace(/0+$/, "");
  return `${seconds}${rest && `.${rest}`}Z`;
}
