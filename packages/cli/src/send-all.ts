import type { Producer, ProducerRecord, RecordMetadata } from "@tarpan/client";
import type { Io } from "./command.ts";
import { CommandError, describeFailure } from "./failures.ts";
import { counted, Progress } from "./progress.ts";

/**
 * Sends records as they come, never holding more than the producer's buffer, and says on stdout where
 * they went. Stops at the first that fails.
 */
export async function sendAll(
  producer: Producer,
  records: AsyncIterable<ProducerRecord>,
  io: Io,
): Promise<void> {
  const progress = new Progress(io.stderr, "sent");
  const went = new Destinations();
  let failure: Error | null = null;
  const failed = (error: Error) => {
    failure ??= error;
  };
  const delivered = (where: RecordMetadata) => {
    went.add(where);
    progress.add(1);
  };
  try {
    for await (const record of records) {
      if (failure !== null) break;
      producer.send(record).then(delivered, failed);
      await producer.ready();
    }
  } catch (error) {
    failed(error as Error);
  }
  await producer.close();
  progress.end();
  if (went.count > 0 || failure === null) io.stdout.write(went.summary());
  if (failure !== null) {
    const stored = went.count > 0 ? ` (${counted(went.count, "record")} stored before)` : "";
    throw new CommandError(`${describeFailure(failure)}${stored}`, { cause: failure });
  }
}

/** Which offsets were given, partition by partition. */
class Destinations {
  count = 0;
  readonly #ranges = new Map<string, { first: number; last: number; count: number }>();

  add({ topic, partition, offset }: RecordMetadata): void {
    this.count++;
    const name = `${topic}-${partition}`;
    const range = this.#ranges.get(name);
    if (range === undefined) this.#ranges.set(name, { first: offset, last: offset, count: 1 });
    else {
      range.first = Math.min(range.first, offset);
      range.last = Math.max(range.last, offset);
      range.count++;
    }
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
