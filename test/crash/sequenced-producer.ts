import {
  decodeResponse,
  encodeBatch,
  encodeRequest,
  errorOf,
  InitProducerId,
  Produce,
} from "@tarpan/protocol";
import { RawConnection } from "../harness/raw-connection.ts";
import { RECENT_MS } from "../harness/recent.ts";

const PRODUCE_VERSION = 9;
/** Clients keep at most so many batches in flight, and brokers remember so many (KIP-98). */
export const MAX_IN_FLIGHT = 5;
export const RECORDS_PER_BATCH = 3;
const VALUE_BYTES = 1000;

/**
 * An idempotent producer that survives its broker. It sends unacknowledged batches again with the
 * same sequences, so every record must be in the log once, in order.
 */
export class SequencedProducer {
  readonly name: string;
  readonly #topic: string;
  readonly #partition: number;
  #producerId = -1;
  /** Base offset of each acknowledged batch, by its number. */
  readonly acknowledged: number[] = [];

  constructor(name: string, topic: string, partition: number) {
    this.name = name;
    this.#topic = topic;
    this.#partition = partition;
  }

  /**
   * Sends until `enough`, then waits for the batches in flight; or until the connection is lost.
   */
  async run(port: number, enough: () => boolean, onAcknowledged: () => void): Promise<void> {
    const connection = await RawConnection.open(port).catch(() => null);
    if (connection === null) return;
    try {
      this.#producerId = this.#producerId < 0 ? await newProducerId(connection) : this.#producerId;
      await this.#send(connection, enough, onAcknowledged);
    } catch (error) {
      if (!connection.isClosed) throw error;
    } finally {
      connection.reset();
    }
  }

  valuesOf(batch: number): string[] {
    const first = batch * RECORDS_PER_BATCH;
    return Array.from({ length: RECORDS_PER_BATCH }, (_, index) =>
      `${this.name}:${first + index} `.padEnd(VALUE_BYTES, "."),
    );
  }

  async #send(
    connection: RawConnection,
    enough: () => boolean,
    onAcknowledged: () => void,
  ): Promise<void> {
    let next = this.acknowledged.length;
    for (;;) {
      const inFlight = next - this.acknowledged.length;
      if (inFlight < MAX_IN_FLIGHT && !enough()) {
        connection.send(...this.#request(next++));
        continue;
      }
      if (inFlight === 0) return;
      const expected = this.acknowledged.length;
      const { correlationId, body } = decodeResponse(
        Produce,
        PRODUCE_VERSION,
        await connection.nextFrame(),
      );
      if (correlationId !== expected) throw new Error(`${correlationId} instead of ${expected}`);
      const { errorCode, baseOffset } = body.responses[0]!.partitionResponses[0]!;
      const { name, retriable } = errorOf(errorCode);
      if (errorCode !== 0 && !retriable)
        throw new Error(`${this.name}: batch ${expected}: ${name}`);
      if (errorCode !== 0) return;
      this.acknowledged.push(baseOffset);
      onAcknowledged();
    }
  }

  #request(batch: number): Uint8Array[] {
    const timestamp = RECENT_MS + batch;
    const records = encodeBatch(
      this.valuesOf(batch).map((value) => ({ key: null, value: Buffer.from(value), timestamp })),
      {
        producerId: this.#producerId,
        producerEpoch: 0,
        baseSequence: batch * RECORDS_PER_BATCH,
      },
    );
    const partitionData = [{ index: this.#partition, records }];
    const topicData = [{ name: this.#topic, partitionData }];
    const header = { correlationId: batch, clientId: this.name };
    return encodeRequest(Produce, PRODUCE_VERSION, header, {
      acks: -1,
      timeoutMs: 10_000,
      topicData,
    });
  }
}

export async function newProducerId(connection: RawConnection): Promise<number> {
  const request = { transactionalId: null, transactionTimeoutMs: 1000 };
  const { errorCode, producerId } = await connection.request(InitProducerId, 4, request);
  if (errorCode !== 0) throw new Error(`InitProducerId: ${errorOf(errorCode).name}`);
  return producerId;
}
