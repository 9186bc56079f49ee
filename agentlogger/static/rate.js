// How many came and were shown in the second before this one.
export class Rate {
  constructor() {
    this.seconds = new Map();
  }

  came() {
    this.now().came += 1;
  }

  shown(number) {
    this.now().shown += number;
  }

  now() {
    const second = Math.floor(performance.now() / 1000);
    if (!this.seconds.has(second)) {
      this.seconds.set(second, { came: 0, shown: 0 });
      this.seconds.delete(second - 3);
    }
    return this.seconds.get(second);
  }

  lately() {
    return this.seconds.get(Math.floor(performance.now() / 1000) - 1) ?? { came: 0, shown: 0 };
  }
}
