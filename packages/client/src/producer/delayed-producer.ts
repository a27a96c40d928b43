import { randomUUID } from "node:crypto";
import { check, nonEmptyString } from "../checks/checks.ts";
import type { Client } from "../connection/client.ts";
import type { ProducerRecord } from "../record.ts";
import {
  DELAYED_TOPIC,
  type DeliveryTime,
  delayedRecord,
  requireDelayedMessages,
} from "./delayed-record.ts";
import { Producer } from "./producer.ts";
import type { ProducerOptions } from "./producer-options.ts";

export type DelayedProducerOptions = Omit<ProducerOptions, "acks" | "idempotent" | "partitioner">;

export interface DelayedSend extends DeliveryTime {
  /**
   * Names the message until it is delivered: to cancel it, or to replace it by sending again.
   * Default: a random UUID.
   */
  readonly id?: string | undefined;
}

/**
 * Sends records that the broker delivers to their topic later, with the time of delivery as
 * timestamp. Needs a Tarpan broker.
 */
export class DelayedProducer {
  readonly #client: Client;
  readonly #producer: Producer;
  #supported: Promise<void> | null = null;

  constructor(client: Client, options: DelayedProducerOptions = {}) {
    this.#producer = new Producer(client, options);
    this.#client = client;
  }

  /**
   * Resolves to the message's id once the broker has stored it. With the id of a message that waits
   * it replaces that one, time and all. Rejects with TARPAN_NO_DELAYED_MESSAGES if the cluster has
   * none, with TARPAN_BAD_RECORD (a null value, a delay of more than a year, an internal topic),
   * and as `Producer.send` does.
   */
  async send(record: ProducerRecord, { id = randomUUID(), ...time }: DelayedSend): Promise<string> {
    check("id", id, nonEmptyString);
    const delayed = delayedRecord(record, id, time);
    await this.#require();
    await this.#producer.send(delayed);
    return id;
  }

  /** Cancels a message that is not delivered yet; without effect on one that is. */
  async cancel(id: string): Promise<void> {
    check("id", id, nonEmptyString);
    await this.#require();
    await this.#producer.send({ topic: DELAYED_TOPIC, key: id, value: null });
  }

  /** Accepts no more records and waits until all are settled. The client stays open. */
  async close(): Promise<void> {
    // Calls that ask for the topic have given their records to no producer yet.
    await this.#supported?.catch(() => {});
    await this.#producer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #require(): Promise<void> {
    this.#supported ??= requireDelayedMessages(this.#client, "a DelayedProducer").catch((error) => {
      this.#supported = null;
      throw error;
    });
    return this.#supported;
  }
}
