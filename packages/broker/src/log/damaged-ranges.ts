export interface DamagedRange {
  readonly from: number;
  /** The first offset past it. */
  readonly to: number;
}

/** The ranges of a log's offsets that were found damaged or missing. */
export class DamagedRanges {
  #ranges: DamagedRange[] = [];

  /** Adds a range; false when all of it was known already. */
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

  /** How many ranges end after `startOffset`, so that a read can still meet them. */
  countFrom(startOffset: number): number {
    return this.#ranges.filter(({ to }) => to > startOffset).length;
  }
}
