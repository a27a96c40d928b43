import type { Producer, ProducerRecord, RecordMetadata } from "@tarpan/client";
import type { Io } from "./command.ts";
import { CommandError, describeFailure } from "./failures.ts";
import { counted, Progress } from "./progress.ts";

/** In portions: as many as there are to send at a time. */
export type Records = AsyncIterable<readonly ProducerRecord[]>;

/**
 * Sends records as they come, never holding more than the producer's buffer, and says on stdout where
 * they went. Stops at the first that fails.
 */
export async function sendAll(producer: Producer, records: Records, io: Io): Promise<void> {
  const progress = new Progress(io.stderr, "sent");
  const went = new Destinations();
  let failure: Error | null = null;
  const settled = (_index: number, outcome: RecordMetadata | Error) => {
    if (outcome instanceof Error) failure ??= outcome;
    else went.add(outcome);
  };
  try {
    for await (const portion of records) {
      if (failure !== null) break;
      producer.sendEach(portion, settled);
      await producer.ready();
      progress.reached(went.count);
    }
  } catch (error) {
    failure ??= error as Error;
  }
  await producer.close();
  progress.end();
  if (went.count > 0 || failure === null) io.stdout.write(went.summary());
  if (failure !== null) {
    const stored = went.count > 0 ? ` (${counted(went.count, "record")} stored before)` : "";
    throw new CommandError(`${describeFailure(failure)}${stored}`, { cause: failure });
  }
}

interface Range {
  readonly topic: string;
  readonly partition: number;
  first: number;
  last: number;
  count: number;
}

/** Which offsets were given, partition by partition. */
class Destinations {
  count = 0;
  readonly #ranges = new Map<string, Range>();
  /** Records of a batch come one after another: most are where the one before was. */
  #latest: Range | null = null;

  add({ topic, partition, offset }: RecordMetadata): void {
    this.count++;
    const latest = this.#latest;
    const isThere = latest !== null && latest.partition === partition && latest.topic === topic;
    const range = isThere ? latest : this.#rangeOf(topic, partition, offset);
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

  summary(): string {
    if (this.count === 0) return "nothing to send\n";
    const lines = [...this.#ranges].map(([name, { first, last, count }]) => {
      const where =
        first < 0 ? "" : first === last ? ` at offset ${first}` : ` at offsets ${first} to ${last}`;
      return `sent ${counted(count, "record")} to ${name}${where}\n`;
    });
    return lines.join("");
  }
}
