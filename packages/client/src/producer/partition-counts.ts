import type { Client } from "../connection/client.ts";
import { METADATA_MAX_AGE_MS } from "../limits.ts";

interface Count {
  readonly at: number;
  /** Null while it is looked for. */
  count: number | null;
  readonly waiting: ((outcome: number | Error) => void)[];
}

/** How many partitions topics have, for those who choose one. */
export class PartitionCounts {
  readonly #client: Client;
  readonly #withinMs: number;
  readonly #counts = new Map<string, Count>();

  constructor(client: Client, withinMs: number) {
    this.#client = client;
    this.#withinMs = withinMs;
  }

  /** Null where it has to be looked for, or is being. */
  known(topic: string, now: number): number | null {
    const known = this.#counts.get(topic);
    if (known === undefined || now - known.at > METADATA_MAX_AGE_MS) return null;
    return known.count;
  }

  /** Later, in the order of the calls. May make the topic. */
  find(topic: string, found: (outcome: number | Error) => void): void {
    const looked = this.#counts.get(topic);
    if (looked?.count === null) looked.waiting.push(found);
    else this.#look(topic).waiting.push(found);
  }

  /** Those who wait for an answer keep their places. */
  forget(topic: string): void {
    if (this.#counts.get(topic)?.count !== null) this.#counts.delete(topic);
  }

  #look(topic: string): Count {
    const looked: Count = { at: performance.now(), count: null, waiting: [] };
    this.#counts.set(topic, looked);
    const tell = (outcome: number | Error) => {
      for (const found of looked.waiting.splice(0)) found(outcome);
    };
    this.#client.topic(topic, { create: true, withinMs: this.#withinMs }).then(
      ({ partitions }) => {
        looked.count = partitions.length;
        tell(partitions.length);
      },
      (error: Error) => {
        this.#counts.delete(topic);
        tell(error);
      },
    );
    return looked;
  }
}
