// Where recent cold reads of one log ended. The next read from there needs no index and no walk
// over headers, and its bytes may have been read already.
import { COLD_READERS } from "../limits.ts";
import type { AheadRead, ReadAhead } from "./read-ahead.ts";
import type { Segment } from "./segment.ts";

export interface ReadPosition {
  readonly segment: Segment;
  readonly offset: number;
  /** Of the batch that begins at `offset`. */
  readonly position: number;
  ahead: AheadRead | null;
}

export class ReadPositions {
  readonly #readAhead: ReadAhead;
  /** The oldest first. */
  #positions: ReadPosition[] = [];

  constructor(readAhead: ReadAhead) {
    this.#readAhead = readAhead;
  }

  find(segment: Segment, offset: number): ReadPosition | undefined {
    return this.#positions.find((one) => one.offset === offset && one.segment === segment);
  }

  /** Adds a position, or makes a known one the newest, and returns it. */
  remember(segment: Segment, offset: number, position: number): ReadPosition {
    const known = this.find(segment, offset);
    if (known !== undefined) this.#positions.splice(this.#positions.indexOf(known), 1);
    else if (this.#positions.length === COLD_READERS) this.#drop(this.#positions.shift()!);
    const latest = known ?? { segment, offset, position, ahead: null };
    this.#positions.push(latest);
    return latest;
  }

  /** Call it when the files of a segment were removed or replaced. */
  forget(segment: Segment): void {
    this.#positions = this.#positions.filter((one) => {
      if (one.segment === segment) this.#drop(one);
      return one.segment !== segment;
    });
  }

  clear(): void {
    for (const one of this.#positions) this.#drop(one);
    this.#positions = [];
  }

  #drop({ ahead }: ReadPosition): void {
    if (ahead !== null) this.#readAhead.drop(ahead);
  }
}
