import type { Client } from "../connection/client.ts";
import { ClientError } from "../errors.ts";
import { METADATA_MAX_AGE_MS } from "../limits.ts";
import { WaitingCalls } from "./waiting-calls.ts";

type Found = (outcome: number | Error) => void;

interface Count {
  readonly at: number;
  /** Null until the metadata has arrived. */
  count: number | null;
  readonly waiting: WaitingCalls<Found>;
}

/** The number of partitions of each topic, for the partitioner. */
export class PartitionCounts {
  readonly #client: Client;
  readonly #withinMs: number;
  readonly #maxBlockMs: number;
  readonly #counts = new Map<string, Count>();

  /** Metadata is asked for during `withinMs`; a call waits for `maxBlockMs` of it. */
  constructor(client: Client, withinMs: number, maxBlockMs: number) {
    this.#client = client;
    this.#withinMs = withinMs;
    this.#maxBlockMs = maxBlockMs;
  }

  /** Null if it is not cached, too old, or being fetched. */
  known(topic: string, now: number): number | null {
    const known = this.#counts.get(topic);
    if (known === undefined || now - known.at > METADATA_MAX_AGE_MS) return null;
    return known.count;
  }

  /** Calls `found` later, in the order of the calls. The broker may create the topic. */
  find(topic: string, found: Found): void {
    const entry = this.#counts.get(topic);
    if (entry?.count === null) entry.waiting.push(found);
    else this.#fetch(topic).waiting.push(found);
  }

  /** Drops a cached count; a fetch in progress goes on. */
  forget(topic: string): void {
    if (this.#counts.get(topic)?.count !== null) this.#counts.delete(topic);
  }

  #fetch(topic: string): Count {
    const waiting = new WaitingCalls<Found>(this.#maxBlockMs, (found) =>
      found(this.#noMetadata(topic)),
    );
    const entry: Count = { at: performance.now(), count: null, waiting };
    this.#counts.set(topic, entry);
    const tell = (outcome: number | Error) => {
      while (waiting.first !== undefined) waiting.shift()!(outcome);
    };
    this.#client.topic(topic, { create: true, withinMs: this.#withinMs }).then(
      ({ partitions }) => {
        entry.count = partitions.length;
        tell(partitions.length);
      },
      (error: Error) => {
        this.#counts.delete(topic);
        tell(error);
      },
    );
    return entry;
  }

  #noMetadata(topic: string): ClientError {
    const waitedMs = this.#maxBlockMs.toLocaleString("en-US");
    return new ClientError(
      "TARPAN_NO_METADATA",
      `no broker has told the partitions of ${topic} within ${waitedMs} ms (maxBlockMs); they are ` +
        "still asked for: send again",
      { retriable: true },
    );
  }
}
