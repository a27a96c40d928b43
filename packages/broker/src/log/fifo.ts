/** A queue over an array, which is copied only when at least half of it was taken. */
export class Fifo<T> {
  items: T[] = [];
  first = 0;

  get length(): number {
    return this.items.length - this.first;
  }

  /** The item after `position` others. */
  at(position: number): T | undefined {
    return this.items[this.first + position];
  }

  peek(): T | undefined {
    return this.items[this.first];
  }

  shift(): void {
    // Otherwise the item would stay in memory until the array is copied.
    this.items[this.first] = undefined as never;
    this.first += 1;
    if (this.first < 64 || this.first * 2 < this.items.length) return;
    this.items = this.items.slice(this.first);
    this.first = 0;
  }
}
