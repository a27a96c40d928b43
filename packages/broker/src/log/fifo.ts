/** A queue over an array: taking from the front costs nothing until half of it is taken. */
export class Fifo<T> {
  items: T[] = [];
  first = 0;

  get length(): number {
    return this.items.length - this.first;
  }

  /** The one with `position` before it. */
  at(position: number): T | undefined {
    return this.items[this.first + position];
  }

  peek(): T | undefined {
    return this.items[this.first];
  }

  shift(): void {
    // Or what was taken would live on until the array is cut.
    this.items[this.first] = undefined as never;
    this.first += 1;
    if (this.first < 64 || this.first * 2 < this.items.length) return;
    this.items = this.items.slice(this.first);
    this.first = 0;
  }
}
