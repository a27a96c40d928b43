// Sends failed records to other topics, and goes on until the broker has them: the failed record is
// committed only after that.
import { Admin } from "../admin/admin.ts";
import type { Client } from "../connection/client.ts";
import { backoffMs, sleep } from "../connection/retry.ts";
import { ClientError, KafkaResponseError } from "../errors.ts";
import { Producer } from "../producer/producer.ts";
import type { ProducerRecord } from "../record.ts";

/** Dead letters keep their records' timestamps, which may be older than any retention. */
const KEEP = { "retention.ms": "-1" };

export class FailureTopics {
  readonly #client: Client;
  readonly #producer: Producer;

  constructor(client: Client) {
    this.#client = client;
    this.#producer = new Producer(client, { deliveryTimeoutMs: client.timeoutMs });
  }

  /**
   * Sends the record that `make` makes for a topic with so many partitions. A missing topic is
   * created. Every failure is retried, and told by the client's `onTrouble`, while `wanted`. With
   * `mayRefuse` it resolves to false if the topic will never take the record.
   */
  async send(
    topic: string,
    make: (partitions: number) => ProducerRecord,
    wanted: () => boolean,
    mayRefuse = false,
  ): Promise<boolean> {
    const sending = this.#client.troubles.operation(`sending a failed record to ${topic}`);
    for (let failures = 0; wanted(); ) {
      try {
        await this.#producer.send(make(await this.ensure(topic, KEEP)));
        sending.worked();
        return true;
      } catch (error) {
        const isRefused = mayRefuse && isRefusal(error);
        sending.failed(error as Error, wanted() && !isRefused);
        if (isRefused) return false;
        await sleep(backoffMs(failures++));
      }
    }
    sending.failed(new ClientError("TARPAN_CLOSED", "the partition was given up"), false);
    return true;
  }

  /** Creates the topic if it is missing. Resolves to its number of partitions. */
  async ensure(topic: string, configs: Readonly<Record<string, string>> = {}): Promise<number> {
    try {
      return (await this.#client.topic(topic)).partitions.length;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "TARPAN_UNKNOWN_TOPIC") throw error;
    }
    try {
      await new Admin(this.#client).createTopic({ name: topic, configs });
    } catch (error) {
      // Another member was faster.
      const exists =
        error instanceof KafkaResponseError && error.kafkaName === "TOPIC_ALREADY_EXISTS";
      if (!exists) throw error;
    }
    return (await this.#client.topic(topic, { create: true })).partitions.length;
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

const REFUSALS: ReadonlySet<string> = new Set(["INVALID_RECORD", "MESSAGE_TOO_LARGE"]);

function isRefusal(error: unknown): boolean {
  return error instanceof KafkaResponseError && REFUSALS.has(error.kafkaName);
}
