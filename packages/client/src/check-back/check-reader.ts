import type { Client } from "../connection/client.ts";
import { backoffMs, sleep } from "../connection/retry.ts";
import { GroupConsumer } from "../group/group-consumer.ts";
import { MAX_TIMER_MS } from "../limits.ts";
import type { ConsumedRecord } from "../record.ts";

/** Reads a producer group's checks as a member of the consumer group with the topic's name. */
export class CheckReader {
  readonly #client: Client;
  readonly #topic: string;
  readonly #concurrency: number;
  readonly #answer: (check: ConsumedRecord) => Promise<void>;
  readonly #ending = new AbortController();
  #working: Promise<void> | null = null;

  /** `answer` must not reject. */
  constructor(
    client: Client,
    producerGroup: string,
    concurrency: number,
    answer: (check: ConsumedRecord) => Promise<void>,
  ) {
    this.#client = client;
    this.#topic = `${producerGroup}.checks`;
    this.#concurrency = concurrency;
    this.#answer = answer;
  }

  start(): void {
    this.#working ??= this.#work();
  }

  /** Lets running answers end. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#working;
  }

  /** Whatever ends a run, such as a permission that is missing: it is begun again. */
  async #work(): Promise<void> {
    const { signal } = this.#ending;
    const reading = this.#client.troubles.operation(`reading the checks in ${this.#topic}`);
    for (let failures = 0; !signal.aborted; ) {
      const consumer = new GroupConsumer(this.#client, {
        groupId: this.#topic,
        autoOffsetReset: "earliest",
        onAssigned: () => {
          failures = 0;
          reading.worked();
        },
      });
      try {
        await consumer.subscribe([this.#topic]);
        await consumer.run({
          eachRecord: this.#answer,
          concurrency: this.#concurrency,
          // Its calls of listeners are bounded by themselves.
          handlerTimeoutMs: MAX_TIMER_MS,
          signal,
        });
      } catch (error) {
        if (signal.aborted) break;
        reading.failed(error as Error, true);
        await sleep(backoffMs(failures++));
      } finally {
        await consumer.close().catch(() => {});
      }
    }
    reading.abandoned();
  }
}
