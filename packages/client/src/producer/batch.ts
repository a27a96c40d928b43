import { compress, crc32c } from "@tarpan/codecs";
import { encodeBatch, type RecordInput } from "@tarpan/protocol";
import { Deadline } from "../connection/retry.ts";
import type { ProducerRecord, RecordMetadata } from "../record.ts";

/** About how many bytes a record takes in a batch beside its key, value and headers. */
const RECORD_OVERHEAD_BYTES = 24;

export function settleRecord(
  settled: Settled,
  index: number,
  outcome: RecordMetadata | Error,
): void {
  try {
    settled(index, outcome);
  } catch (error) {
    // The application's callback has thrown: an uncaught exception, but the other records'
    // callbacks still run.
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** The identity that a broker counts sequences for (KIP-98). */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** What a batch says of the producer that wrote it. */
interface BatchOrigin extends ProducerIdentity {
  readonly baseSequence: number;
  readonly transactional: boolean;
}

/** Called once for each record, with its index in the `sendEach` call. */
export type Settled = (index: number, outcome: RecordMetadata | Error) => void;

/** The records of one record batch, and the callbacks for their outcomes. */
export class Batch {
  readonly topic: string;
  readonly partition: number;
  readonly deadline: Deadline;
  readonly #records: RecordInput[] = [];
  /**
   * Each record's callback, and its index for it. Two arrays take less memory than an object for
   * each record.
   */
  readonly #settled: Settled[] = [];
  readonly #indexes: number[] = [];
  #sizeBytes = 0;
  #encoded: Uint8Array | null = null;
  tries = 0;

  constructor(topic: string, partition: number, deliveryTimeoutMs: number) {
    this.topic = topic;
    this.partition = partition;
    this.deadline = new Deadline(deliveryTimeoutMs);
  }

  /** Bytes of the records before compression, about. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get recordCount(): number {
    return this.#records.length;
  }

  add(record: RecordInput, sizeBytes: number, settled: Settled, index: number): void {
    this.#records.push(record);
    this.#sizeBytes += sizeBytes;
    this.#settled.push(settled);
    this.#indexes.push(index);
  }

  /** The encoded batch. Encoded only once: a retry must send the same bytes and sequence. */
  encoded(compression: number, writer: BatchOrigin | null): Uint8Array {
    this.#encoded ??= encodeBatch(this.#records, { compression, compress, crc32c, ...writer });
    return this.#encoded;
  }

  get isEncoded(): boolean {
    return this.#encoded !== null;
  }

  /** `logAppendTimeMs` is -1 if the records keep their own timestamps. */
  delivered(baseOffset: number, logAppendTimeMs: number): void {
    const { topic, partition } = this;
    for (let i = 0; i < this.#records.length; i++) {
      const offset = baseOffset < 0 ? -1 : baseOffset + i;
      const timestamp = logAppendTimeMs < 0 ? this.#records[i]!.timestamp : logAppendTimeMs;
      this.#settle(i, { topic, partition, offset, timestamp });
    }
  }

  failed(error: Error): void {
    for (let i = 0; i < this.#records.length; i++) this.#settle(i, error);
  }

  #settle(i: number, outcome: RecordMetadata | Error): void {
    settleRecord(this.#settled[i]!, this.#indexes[i]!, outcome);
  }
}

const encoder = new TextEncoder();

export function toRecordInput(record: ProducerRecord, nowMs: number): RecordInput {
  const input: RecordInput = {
    key: toBytes(record.key),
    value: toBytes(record.value),
    timestamp: record.timestamp ?? nowMs,
  };
  if (record.headers !== undefined)
    input.headers = record.headers.map(({ key, value }) => ({ key, value: toBytes(value) }));
  return input;
}

export function sizeOf({ key, value, headers }: RecordInput): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers ?? []) bytes += 4 + header.key.length + (header.value?.length ?? 0);
  return bytes;
}

function toBytes(value: Uint8Array | string | null | undefined): Uint8Array | null {
  if (typeof value === "string") return encoder.encode(value);
  return value ?? null;
}
