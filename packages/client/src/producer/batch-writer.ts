import { InitProducerId } from "@tarpan/protocol";
import type { Client } from "../connection/client.ts";
import type { TopicPartition } from "../connection/offsets.ts";
import { assertOk } from "../errors.ts";
import type { ProducerIdentity } from "./batch.ts";

/** In whose name batches are written: it gives them their producer id and epoch. */
export interface BatchWriter {
  /** Null unless the batches belong to transactions. */
  readonly transactionalId: string | null;
  /** The last version of Produce to use, even if the broker supports later ones. */
  readonly maxProduceVersion: number;
  /** Asked before batches of these partitions are sent. If it rejects, the batches fail. */
  identityFor(partitions: readonly TopicPartition[]): Promise<ProducerIdentity>;
  /** A batch has failed: its sequences, if it had any, are missing in its partition. */
  batchFailed(): void;
}

/** Without transactions: takes a producer id for the first batch, and another after a failure. */
export class IdempotentWriter implements BatchWriter {
  readonly transactionalId = null;
  readonly maxProduceVersion = Number.POSITIVE_INFINITY;
  readonly #client: Client;
  #identity: Promise<ProducerIdentity> | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  identityFor(): Promise<ProducerIdentity> {
    if (this.#identity === null) {
      const identity = this.#initProducerId();
      this.#identity = identity;
      identity.catch(() => {
        if (this.#identity === identity) this.#identity = null;
      });
    }
    return this.#identity;
  }

  batchFailed(): void {
    this.#identity = null;
  }

  async #initProducerId(): Promise<ProducerIdentity> {
    const body = { transactionalId: null, transactionTimeoutMs: 0 };
    const answer = await this.#client.request(InitProducerId, body);
    assertOk(answer.errorCode, "taking a producer id");
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }
}
