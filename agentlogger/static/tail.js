// The tail of the API, open for as long as somebody wants it, whatever becomes of the connection.

const AGAIN_MS = 2_000; // After a refusal, twice as long each time.
const AGAIN_MOST_MS = 60_000;
const KINDS = ["open", "record", "update", "gap", "end"];

// `heard` has a function for each kind that is listened to, and `lost` for a connection that broke.
export class Tail {
  constructor(address, heard) {
    this.address = address;
    this.heard = heard;
    this.again = AGAIN_MS;
  }

  open() {
    const after = this.position ? `${this.address.includes("?") ? "&" : "?"}after=${encodeURIComponent(this.position)}` : "";
    this.source = new EventSource(this.address + after);
    for (const kind of KINDS) {
      // The browser tells of its own connection by an "open" too, which has no id.
      this.source.addEventListener(kind, (event) => event.lastEventId && this.hear(kind, event));
    }
    this.source.addEventListener("error", () => this.lost());
  }

  hear(kind, event) {
    this.position = event.lastEventId;
    this.again = AGAIN_MS;
    this.heard[kind]?.(JSON.parse(event.data));
  }

  // A browser comes again by itself after an end, with the id of the last event, and gives up after
  // an answer that is no stream.
  lost() {
    this.heard.lost();
    if (this.source.readyState !== EventSource.CLOSED) return;
    this.timer = setTimeout(() => this.open(), this.again);
    this.again = Math.min(AGAIN_MOST_MS, this.again * 2);
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
  }
}
