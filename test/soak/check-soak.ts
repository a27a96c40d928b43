// Checks what the clients of a soak saw while the broker deleted, compacted and was killed.
//
// 1. A record has one offset for ever, whoever tells it.
// 2. The end of a log is above all acknowledged records; its start never goes back, and a scan
//    reads nothing below a start that was told before the scan.
// 3. A reader sees the records of a partition in the order they were sent, each at most once.
// 4. Without keys, no acknowledged record at or above the log start is missing.
// 5. With keys, each key's last acknowledged record at or above the log start is there, unless it
//    is a deletion; and a deleted key's older records do not come back.
import type { Seen } from "./events.ts";

const VIOLATIONS_KEPT = 50;
const NONE = -1;

interface Last {
  readonly number: number;
  readonly offset: number;
  readonly isDeletion: boolean;
}

interface Reading {
  lastNumber: number;
  lastOffset: number;
  /** Numbers that were passed over, as [from, to) each. */
  passedOver: [number, number][];
}

interface Scan extends Reading {
  readonly startBefore: number;
  readonly acknowledgedBefore: number;
  readonly liveBefore: ReadonlyMap<string, Last>;
  readonly found: Map<string, number>;
}

/** The history of one partition. */
export class PartitionCheck {
  readonly #at: string;
  readonly #keyed: boolean;
  readonly #violated: (what: string) => void;
  /** By number, for all records that were acknowledged or read. */
  readonly #offsets: number[] = [];
  #acknowledged = NONE;
  #acknowledgedOffset = NONE;
  #start = 0;
  #tail: Reading | null = null;
  #scan: Scan | null = null;
  readonly #live = new Map<string, Last>();
  /** Keys whose last record the last scan did not find: another may be on its way. */
  #missing = new Map<string, number>();

  constructor(at: string, keyed: boolean, violated: (what: string) => void) {
    this.#at = at;
    this.#keyed = keyed;
    this.#violated = violated;
  }

  get liveKeys(): number {
    let count = 0;
    for (const { isDeletion } of this.#live.values()) if (!isDeletion) count++;
    return count;
  }

  get acknowledgedOffset(): number {
    return this.#acknowledgedOffset;
  }

  acknowledged(records: readonly Seen[]): void {
    for (const [number, offset, key, isDeletion] of records) {
      this.#place(number, offset);
      this.#acknowledged = Math.max(this.#acknowledged, number);
      this.#acknowledgedOffset = Math.max(this.#acknowledgedOffset, offset);
      if (key === null) continue;
      const last = this.#live.get(key);
      if (last === undefined || last.number < number)
        this.#live.set(key, { number, offset, isDeletion: isDeletion === 1 });
    }
  }

  /** What the consumer read that follows the log's end. */
  followed(records: readonly Seen[]): void {
    const [first] = records;
    if (first === undefined) return;
    this.#tail ??= { lastNumber: first[0] - 1, lastOffset: first[1] - 1, passedOver: [] };
    for (const record of records) this.#take(this.#tail, record, "The consumer");
  }

  /**
   * The broker told where the log starts and ends. `acknowledgedOffset` is the last one before it
   * was asked.
   */
  told(start: number, end: number, acknowledgedOffset: number): void {
    if (start < this.#start) this.#fail(`the log start went back from ${this.#start} to ${start}`);
    if (end <= acknowledgedOffset)
      this.#fail(`the log ends at ${end}, but ${acknowledgedOffset} was acknowledged`);
    this.#start = Math.max(this.#start, start);
    if (this.#tail === null || this.#keyed) return;
    this.#requireNoneOf(this.#tail.passedOver.splice(0), "The consumer");
  }

  beginScan(): void {
    this.#scan = {
      lastNumber: NONE,
      lastOffset: NONE,
      passedOver: [],
      startBefore: this.#start,
      acknowledgedBefore: this.#acknowledged,
      liveBefore: new Map(this.#live),
      found: new Map(),
    };
  }

  scanned(records: readonly Seen[]): void {
    const scan = this.#scan;
    if (scan === null) return;
    for (const record of records) {
      const [number, offset, key] = record;
      if (offset < scan.startBefore)
        this.#fail(`A scan read offset ${offset}, below the log start ${scan.startBefore}`);
      this.#take(scan, record, "A scan");
      if (key !== null) scan.found.set(key, number);
    }
  }

  /** The log start was told again after the scan's last record. `settled`: nobody writes. */
  endScan(settled: boolean): void {
    const scan = this.#scan;
    this.#scan = null;
    if (scan === null) return;
    const unread: [number, number] = [scan.lastNumber + 1, scan.acknowledgedBefore + 1];
    if (this.#keyed) this.#requireLive(scan, settled);
    else this.#requireNoneOf([...scan.passedOver, unread], "A scan");
  }

  /** The scan failed half-way: it says nothing. */
  dropScan(): void {
    this.#scan = null;
  }

  #take(reading: Reading, [number, offset]: Seen, who: string): void {
    this.#place(number, offset);
    if (number <= reading.lastNumber)
      this.#fail(`${who} read record ${number} after record ${reading.lastNumber}`);
    if (offset <= reading.lastOffset)
      this.#fail(`${who} read offset ${offset} after offset ${reading.lastOffset}`);
    if (number > reading.lastNumber + 1 && !this.#keyed)
      reading.passedOver.push([reading.lastNumber + 1, number]);
    // A reader that went back is told of once, not for each record that it reads again.
    reading.lastNumber = number;
    reading.lastOffset = offset;
  }

  #place(number: number, offset: number): void {
    if (offset < 0) return;
    while (this.#offsets.length < number) this.#offsets.push(NONE);
    const known = this.#offsets[number] ?? NONE;
    if (known !== NONE && known !== offset)
      this.#fail(`record ${number} was at offset ${known} and is at ${offset}`);
    this.#offsets[number] = offset;
  }

  #requireNoneOf(ranges: readonly [number, number][], who: string): void {
    for (const [from, to] of ranges) {
      for (let number = from; number < to; number++) {
        const offset = this.#offsets[number] ?? NONE;
        if (offset < this.#start) continue;
        this.#fail(`${who} missed record ${number} at ${offset}; the log starts at ${this.#start}`);
        break;
      }
    }
  }

  #requireLive({ liveBefore, found }: Scan, settled: boolean): void {
    const missing = new Map<string, number>();
    for (const [key, last] of liveBefore) {
      const number = found.get(key) ?? NONE;
      if (number >= last.number) continue;
      // A deletion may have left with all older records; others may be below the log start. An
      // offset that the producer was not told is known once somebody has read it.
      const offset = last.offset < 0 ? (this.#offsets[last.number] ?? NONE) : last.offset;
      if (last.isDeletion ? number === NONE : offset < this.#start) continue;
      // A later record, not acknowledged yet, may have replaced it already.
      if (this.#live.get(key)!.number > last.number) continue;
      if (settled || this.#missing.get(key) === last.number)
        this.#fail(
          `key ${key} should be record ${last.number} at ${offset}` +
            `${last.isDeletion ? " (a deletion)" : ""}, not ${number === NONE ? "absent" : number}`,
        );
      missing.set(key, last.number);
    }
    this.#missing = missing;
  }

  #fail(what: string): void {
    this.#violated(`${this.#at}: ${what}`);
  }
}

/** All partitions, and everything that was found wrong. */
export class SoakCheck {
  readonly #partitions = new Map<string, PartitionCheck>();
  readonly violations: string[] = [];
  #violationCount = 0;

  get violationCount(): number {
    return this.#violationCount;
  }

  get liveKeys(): number {
    return [...this.#partitions.values()].reduce((sum, { liveKeys }) => sum + liveKeys, 0);
  }

  add(at: string, keyed: boolean): void {
    this.#partitions.set(at, new PartitionCheck(at, keyed, (what) => this.violated(what)));
  }

  partition(at: string): PartitionCheck {
    return this.#partitions.get(at)!;
  }

  violated(what: string): void {
    this.#violationCount++;
    if (this.violations.length < VIOLATIONS_KEPT) this.violations.push(what);
  }
}
