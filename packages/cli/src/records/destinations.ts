import type { RecordMetadata } from "@tarpan/client";
import type { Output } from "../terminal/output.ts";
import { counted } from "../terminal/progress.ts";

interface Range {
  readonly topic: string;
  readonly partition: number;
  first: number;
  last: number;
  count: number;
}

/** The offsets that records got, by partition. */
export class Destinations {
  count = 0;
  readonly #ranges = new Map<string, Range>();
  /** Records of a batch follow each other, so most belong to the same partition as the last one. */
  #latest: Range | null = null;

  add({ topic, partition, offset }: RecordMetadata): void {
    this.count++;
    const latest = this.#latest;
    const isSame = latest !== null && latest.partition === partition && latest.topic === topic;
    const range = isSame ? latest : this.#rangeOf(topic, partition, offset);
    this.#latest = range;
    range.count++;
    if (offset < range.first) range.first = offset;
    if (offset > range.last) range.last = offset;
  }

  #rangeOf(topic: string, partition: number, offset: number): Range {
    const name = `${topic}-${partition}`;
    const range = this.#ranges.get(name);
    if (range !== undefined) return range;
    const begun = { topic, partition, first: offset, last: offset, count: 0 };
    this.#ranges.set(name, begun);
    return begun;
  }

  print(output: Output): void {
    for (const [name, { first, last, ...range }] of this.#ranges) {
      const isKnown = first >= 0;
      const offsets = first === last ? `offset ${first}` : `offsets ${first} to ${last}`;
      const at = isKnown ? ` at ${offsets}` : "";
      const json = isKnown ? { ...range, first, last } : { ...range, first: null, last: null };
      output.add(json, `sent ${counted(range.count, "record")} to ${name}${at}\n`);
    }
  }
}
