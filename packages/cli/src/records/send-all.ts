import type { Producer, ProducerRecord, RecordMetadata } from "@tarpan/client";
import { CommandError, describeFailure } from "../terminal/failures.ts";
import { Interrupts } from "../terminal/interrupts.ts";
import type { Io } from "../terminal/io.ts";
import type { Output } from "../terminal/output.ts";
import { counted, Progress } from "../terminal/progress.ts";

/** Records in portions, each to be sent at once. */
export interface Records extends AsyncIterable<readonly ProducerRecord[]> {
  /** A user types the records on this terminal, so no progress is drawn there. */
  readonly typed?: boolean;
}

/**
 * Sends records as they come, holding at most the producer's buffer, and prints the offsets that
 * they got. Stops at the first failure, or when it is interrupted: the records read so far are
 * still sent, unless a second interrupt comes.
 */
export async function sendAll(
  producer: Producer,
  records: Records,
  output: Output,
  io: Io,
): Promise<void> {
  const destinations = new Destinations();
  const progress = records.typed ? null : new Progress(io.stderr, "sent");
  const interrupts = new Interrupts(io, () => {
    // The terminal has written ^C into the current line.
    if (records.typed) io.stderr.write("\n");
    io.stdin.destroy();
  });
  let taken = 0;
  let failure: Error | null = null;
  const settled = (_index: number, outcome: RecordMetadata | Error) => {
    if (outcome instanceof Error) failure ??= outcome;
    else destinations.add(outcome);
  };
  const send = async () => {
    for await (const portion of records) {
      if (failure !== null || interrupts.came) return;
      producer.sendEach(portion, settled);
      taken += portion.length;
      await producer.ready();
      progress?.reached(destinations.count);
    }
  };
  const sent = send()
    .catch((error: Error) => {
      // Closing standard input makes the reader fail with an error.
      if (!interrupts.came) failure ??= error;
    })
    .then(() => producer.close());
  try {
    await Promise.race([sent, interrupts.insisted]);
  } finally {
    interrupts.off();
  }
  progress?.end();
  tellOutcome(destinations, taken, failure, output);
}

function tellOutcome(
  destinations: Destinations,
  taken: number,
  failure: Error | null,
  output: Output,
): void {
  destinations.print(output);
  if (taken === 0 && failure === null) output.text("nothing to send\n");
  if (failure !== null) {
    const stored =
      destinations.count > 0 ? ` (${counted(destinations.count, "record")} stored before)` : "";
    throw new CommandError(`${describeFailure(failure)}${stored}`, { cause: failure });
  }
  const left = taken - destinations.count;
  if (left > 0)
    throw new CommandError(`interrupted: ${counted(left, "record")} may be stored, or not`);
}

interface Range {
  readonly topic: string;
  readonly partition: number;
  first: number;
  last: number;
  count: number;
}

/** The offsets that the records got, by partition. */
class Destinations {
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
      output.add(
        json,
        `sent ${counted(range.count, "record")} to ${name}${at}
`,
      );
    }
  }
}
