import { check, eitherOf, mustBe, nonEmptyString } from "../checks/checks.ts";
import type { Client } from "../connection/client.ts";
import type { ProducerRecord, RecordMetadata } from "../record.ts";
import { orderKeyOf, withOrderKey } from "./order-key.ts";
import { keyPartition } from "./partitioner.ts";
import { Producer } from "./producer.ts";
import type { ProducerOptions } from "./producer-options.ts";

export type OrderedProducerOptions = Omit<ProducerOptions, "acks" | "idempotent" | "partitioner">;

const orderKeyCheck = eitherOf(nonEmptyString, (name, value) =>
  value instanceof Uint8Array && value.length > 0
    ? null
    : mustBe(name, value, "a string or a Uint8Array that is not empty"),
);

/**
 * Sends records with an order key: those with the same one go to the same partition, in the order
 * of the `send` calls and each once. `GroupConsumer.run` handles them in this order. As with every
 * key in Kafka, adding partitions to the topic moves keys to other partitions.
 */
export class OrderedProducer {
  readonly #producer: Producer;

  constructor(client: Client, options: OrderedProducerOptions = {}) {
    this.#producer = new Producer(client, {
      ...options,
      partitioner: (record, partitionCount) => {
        const key = orderKeyOf(record)!;
        return keyPartition(typeof key === "string" ? Buffer.from(key) : key, partitionCount);
      },
    });
  }

  /**
   * Resolves once the record is stored. The order key becomes the record's key, so that every
   * client finds the same partition; if the record has another key, the order key goes into the
   * header `tarpan-order-key`. Rejects as `Producer.send` does.
   */
  async send(
    orderKey: Uint8Array | string,
    record: Omit<ProducerRecord, "partition">,
  ): Promise<RecordMetadata> {
    check("orderKey", orderKey, orderKeyCheck);
    return this.#producer.send(withOrderKey(record, orderKey));
  }

  /** Resolves while at most half of `bufferMemoryBytes` is used, and no call waits for it. */
  ready(): Promise<void> {
    return this.#producer.ready();
  }

  /** Accepts no more records and waits until all are settled. The client stays open. */
  close(): Promise<void> {
    return this.#producer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
