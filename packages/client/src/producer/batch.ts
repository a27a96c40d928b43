import { compress, crc32c } from "@tarpan/codecs";
import { encodeBatch, type RecordInput } from "@tarpan/protocol";
import { Deadline } from "../connection/retry.ts";
import type { ProducerRecord, RecordMetadata } from "../record.ts";

/** Roughly what a record adds to a batch beside its key and value. */
const RECORD_OVERHEAD_BYTES = 24;

export function tell(settled: Settled, index: number, outcome: RecordMetadata | Error): void {
  try {
    settled(index, outcome);
  } catch (error) {
    // A mistake of the application's: it must show, and not keep others from being told.
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Who writes: sequences are counted per producer id (KIP-98). */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Told once of each record, by its index among those it came with: where it went, or why not. */
export type Settled = (index: number, outcome: RecordMetadata | Error) => void;

/** Records of one partition that travel together, and those who wait for them. */
export class Batch {
  readonly topic: string;
  readonly partition: number;
  readonly deadline: Deadline;
  readonly #records: RecordInput[] = [];
  /**
   * Who is told of each record, and as which. Two lists: an object for each record would cost more.
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

  /** Bytes of its records before compression, about. */
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

  /** The bytes to send: made once, so that a batch sent again is the same to the broker. */
  encoded(
    compression: number,
    writer: (ProducerIdentity & { readonly baseSequence: number }) | null,
  ): Uint8Array {
    this.#encoded ??= encodeBatch(this.#records, { compression, compress, crc32c, ...writer });
    return this.#encoded;
  }

  get isEncoded(): boolean {
    return this.#encoded !== null;
  }

  /** `logAppendTimeMs` is -1 when the records keep their own time. */
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
    tell(this.#settled[i]!, this.#indexes[i]!, outcome);
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
