export interface DamagedRange {
  readonly from: number;
  /** The first offset past it. */
  readonly to: number;
}

/** Offsets of one log that were found damaged or missing: each told once, counted once. */
export class DamagedRanges {
  #ranges: DamagedRange[] = [];

  /** False when all of it is known. */
  note({ from, to }: DamagedRange): boolean {
    if (this.#ranges.some((known) => known.from <= from && to <= known.to)) return false;
    const isApart = (known: DamagedRange) => known.to < from || to < known.from;
    const joined = this.#ranges.filter((known) => !isApart(known));
    this.#ranges = this.#ranges.filter(isApart);
    this.#ranges.push({
      from: Math.min(from, ...joined.map((known) => known.from)),
      to: Math.max(to, ...joined.map((known) => known.to)),
    });
    return true;
  }

  at(offset: number): DamagedRange | undefined {
    return this.#ranges.find(({ from, to }) => from <= offset && offset < to);
  }

  /** How many a reader of a log that starts there can still meet. */
  countFrom(startOffset: number): number {
    return this.#ranges.filter(({ to }) => to > startOffset).length;
  }
}
