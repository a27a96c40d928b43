// Sends records: in a batch per partition and a request per broker, retried until the delivery
// time-out.
//
// 1. The promise of every record settles: a batch is sent at least once, and not retried after its
//    delivery time-out.
// 2. The records of a partition are stored in the order of their `send` calls.
// 3. With idempotence (the default for acks=all) a retry never stores a batch twice. A failed batch
//    leaves a gap in the sequences, so the producer takes a new producer id after it.
import { Compression, type RecordInput } from "@tarpan/protocol";
import { check, checkOptions, list } from "../checks/checks.ts";
import type { Client } from "../connection/client.ts";
import { requireClient } from "../connection/require-client.ts";
import { backoffMs } from "../connection/retry.ts";
import { ClientError, isRetriable, TimeoutError } from "../errors.ts";
import {
  BATCH_BYTES,
  BUFFER_MEMORY_BYTES,
  DELIVERY_TIMEOUT_MS,
  MAX_BLOCK_MS,
  MAX_REQUEST_BATCH_BYTES,
  RECORD_HEAP_BYTES,
} from "../limits.ts";
import type { ProducerRecord, RecordMetadata } from "../record.ts";
import {
  type Batch,
  type ProducerIdentity,
  type Settled,
  settleRecord,
  sizeOf,
  toRecordInput,
} from "./batch.ts";
import { type BatchWriter, IdempotentWriter } from "./batch-writer.ts";
import { BufferMemory } from "./buffer-memory.ts";
import { checkRecord } from "./check-record.ts";
import { PartitionCounts } from "./partition-counts.ts";
import { PartitionQueue } from "./partition-queue.ts";
import { type Partitioner, partitionerOf } from "./partitioner.ts";
import { PRODUCER_OPTIONS, type ProducerOptions } from "./producer-options.ts";
import { type Delivery, sendBatches } from "./send-batches.ts";

/** Sends records to topics. */
export class Producer {
  readonly #client: Client;
  readonly #acks: number;
  readonly #compression: number;
  readonly #writer: BatchWriter | null;
  readonly #partitioner: Partitioner;
  readonly #lingerMs: number;
  readonly #batchBytes: number;
  readonly #deliveryTimeoutMs: number;
  /** By topic, then by partition. */
  readonly #queues = new Map<string, Map<number, PartitionQueue>>();
  readonly #partitionCounts: PartitionCounts;
  readonly #memory: BufferMemory;
  #unsettled = 0;
  #immediate: NodeJS.Immediate | null = null;
  #lingerTimer: NodeJS.Timeout | null = null;
  #whenIdle: (() => void)[] = [];
  #closed = false;

  constructor(client: Client, options?: ProducerOptions);
  /** @internal Writes in the name of `writer`. */
  constructor(client: Client, options: ProducerOptions, writer: BatchWriter);
  constructor(client: Client, options: ProducerOptions = {}, writer?: BatchWriter) {
    requireClient("new Producer", client);
    checkOptions("new Producer", options, PRODUCER_OPTIONS);
    const { acks = "all", compression = "none" } = options;
    this.#client = client;
    this.#acks = acks === "all" ? -1 : acks;
    this.#compression = Compression[compression];
    const idempotent = options.idempotent ?? this.#acks === -1;
    this.#writer = writer ?? (idempotent ? new IdempotentWriter(client) : null);
    this.#partitioner = partitionerOf(options.partitioner ?? "hash");
    this.#lingerMs = options.lingerMs ?? 0;
    this.#batchBytes = options.batchBytes ?? BATCH_BYTES;
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? DELIVERY_TIMEOUT_MS;
    const { bufferMemoryBytes = BUFFER_MEMORY_BYTES, maxBlockMs = MAX_BLOCK_MS } = options;
    this.#memory = new BufferMemory(bufferMemoryBytes, maxBlockMs);
    this.#partitionCounts = new PartitionCounts(client, this.#deliveryTimeoutMs, maxBlockMs);
    if (idempotent && this.#acks !== -1)
      throw new ClientError("TARPAN_BAD_OPTION", "an idempotent producer needs acks=all");
  }

  /**
   * Resolves once the record is stored as `acks` demands. Rejects with a ClientError:
   * TARPAN_TIMEOUT if the record may or may not be stored, TARPAN_BUFFER_FULL and
   * TARPAN_NO_METADATA after `maxBlockMs`, TARPAN_BAD_RECORD for an invalid record,
   * TARPAN_RECORD_TOO_LARGE for one over 100 MiB, and others.
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) =>
      this.sendEach([record], (_index, outcome) =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome),
      ),
    );
  }

  /**
   * Sends several records. Resolves once all are stored, in their order; rejects with the first
   * failure, after which others may still be stored. With TARPAN_BUFFER_FULL, TARPAN_BAD_RECORD and
   * TARPAN_RECORD_TOO_LARGE none is sent.
   */
  async sendBatch(records: readonly ProducerRecord[]): Promise<RecordMetadata[]> {
    check("records", records, list);
    if (records.length === 0) return [];
    return new Promise((resolve, reject) => {
      const results = new Array<RecordMetadata>(records.length);
      let unsettled = records.length;
      this.sendEach(records, (index, outcome) => {
        if (outcome instanceof Error) return reject(outcome);
        results[index] = outcome;
        if (--unsettled === 0) resolve(results);
      });
    });
  }

  /**
   * Sends several records and calls `settled` once for each, with its index. Cheaper than promises
   * for many small records. Throws, and sends none, with TARPAN_BAD_RECORD,
   * TARPAN_RECORD_TOO_LARGE, and with `maxBlockMs` 0 TARPAN_BUFFER_FULL. Without awaiting `ready`
   * between the calls, those that wait for memory are not bounded by it.
   */
  sendEach(records: readonly ProducerRecord[], settled: Settled): void {
    this.#sendAll(records, settled, false);
  }

  /**
   * @internal Sends records, which all name the same partition, in one record batch: all of them
   * are stored, or none. Resolves to where they were stored. Rejects as `sendBatch` does.
   */
  sendTogether(records: readonly ProducerRecord[]): Promise<RecordMetadata> {
    return new Promise((resolve, reject) =>
      this.#sendAll(
        records,
        (_index, outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)),
        true,
      ),
    );
  }

  #sendAll(records: readonly ProducerRecord[], settled: Settled, together: boolean): void {
    const nowMs = Date.now();
    const inputs: RecordInput[] = [];
    const sizes: number[] = [];
    let sumBytes = 0;
    for (const record of records) {
      checkRecord(record);
      const input = toRecordInput(record, nowMs);
      const sizeBytes = sizeOf(input);
      if (sizeBytes > MAX_REQUEST_BATCH_BYTES) throw tooLarge(record.topic, sizeBytes);
      inputs.push(input);
      sizes.push(sizeBytes);
      sumBytes += sizeBytes + RECORD_HEAP_BYTES;
    }
    if (this.#closed) throw new ClientError("TARPAN_CLOSED", "the producer is closed");
    if (together && sumBytes > MAX_REQUEST_BATCH_BYTES) throw tooLarge(records[0]!.topic, sumBytes);
    if (this.#memory.take(sumBytes)) {
      this.#unsettled += records.length;
      this.#placeAll(records, inputs, sizes, settled, together);
      return;
    }
    this.#memory.wait({
      bytes: sumBytes,
      settle: (refusal) => {
        if (refusal === null) this.#placeAll(records, inputs, sizes, settled, together);
        else this.#refuse(records.length, settled, refusal);
      },
    });
    this.#unsettled += records.length;
  }

  #placeAll(
    records: readonly ProducerRecord[],
    inputs: readonly RecordInput[],
    sizes: readonly number[],
    settled: Settled,
    together: boolean,
  ): void {
    if (together) {
      this.#placeTogether(records, inputs, sizes, settled);
      return;
    }
    const now = performance.now();
    for (let index = 0; index < records.length; index++) {
      const record = records[index]!;
      const [input, sizeBytes] = [inputs[index]!, sizes[index]!];
      const count = this.#partitionCounts.known(record.topic, now);
      if (count !== null) this.#place(record, input, sizeBytes, settled, index, count);
      else
        this.#partitionCounts.find(record.topic, (found) =>
          this.#place(record, input, sizeBytes, settled, index, found),
        );
    }
  }

  /** Resolves while at most half of `bufferMemoryBytes` is used, and no call waits for it. */
  ready(): Promise<void> {
    return this.#memory.ready();
  }

  /**
   * Resolves when no record is unsettled, whether stored or failed: each record's promise tells.
   * Does not wait for `lingerMs`.
   */
  flush(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    this.#scheduleDrain(0);
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Accepts no more records and waits until all are settled. The client stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Settles records that got no memory. */
  #refuse(recordCount: number, settled: Settled, refusal: Error): void {
    for (let index = 0; index < recordCount; index++) settleRecord(settled, index, refusal);
    this.#settledRecords(recordCount);
  }

  #placeTogether(
    [first]: readonly ProducerRecord[],
    inputs: readonly RecordInput[],
    sizes: readonly number[],
    settled: Settled,
  ): void {
    const queue = this.#queueOf(first!.topic, first!.partition!);
    const sumBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
    const batch = queue.open(sumBytes, this.#batchBytes, this.#deliveryTimeoutMs);
    for (const [index, input] of inputs.entries()) batch.add(input, sizes[index]!, settled, index);
    if (queue.inFlight === null) this.#scheduleNext(queue);
  }

  #place(
    record: ProducerRecord,
    input: RecordInput,
    sizeBytes: number,
    settled: Settled,
    index: number,
    partitionCount: number | Error,
  ): void {
    try {
      if (partitionCount instanceof Error) throw partitionCount;
      const partition = record.partition ?? this.#partitioner(record, partitionCount);
      const queue = this.#queueOf(record.topic, partition);
      const batch = queue.open(sizeBytes, this.#batchBytes, this.#deliveryTimeoutMs);
      batch.add(input, sizeBytes, settled, index);
      if (queue.inFlight === null) this.#scheduleNext(queue);
    } catch (error) {
      this.#release(sizeBytes, 1);
      settleRecord(settled, index, error as Error);
    }
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    let queues = this.#queues.get(topic);
    if (queues === undefined) {
      queues = new Map();
      this.#queues.set(topic, queues);
    }
    let queue = queues.get(partition);
    if (queue === undefined) {
      const sending = this.#client.troubles.operation(`sending to ${topic}-${partition}`);
      queue = new PartitionQueue(topic, partition, sending);
      queues.set(partition, queue);
    }
    return queue;
  }

  /** Gives the memory of settled records back. */
  #release(sizeBytes: number, recordCount: number): void {
    this.#settledRecords(recordCount);
    this.#memory.release(sizeBytes + recordCount * RECORD_HEAP_BYTES);
  }

  #settledRecords(recordCount: number): void {
    this.#unsettled -= recordCount;
    if (this.#unsettled === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Waits at least for the end of this turn, so that all records sent in it share a batch. */
  #scheduleDrain(lingerMs: number): void {
    if (this.#immediate !== null) return;
    if (lingerMs > 0) this.#lingerTimer ??= setTimeout(() => this.#drain(), lingerMs);
    else this.#immediate = setImmediate(() => this.#drain());
  }

  #drain(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#immediate = null;
    this.#lingerTimer = null;
    const taken: PartitionQueue[] = [];
    for (const queues of this.#queues.values())
      for (const queue of queues.values()) {
        if (queue.inFlight !== null || queue.waiting.length === 0) continue;
        queue.inFlight = queue.waiting.shift()!;
        taken.push(queue);
      }
    if (taken.length > 0) void this.#deliver(taken);
  }

  async #deliver(queues: readonly PartitionQueue[]): Promise<void> {
    let identity: ProducerIdentity | null;
    try {
      identity = this.#writer === null ? null : await this.#writer.identityFor(queues);
    } catch (error) {
      for (const queue of queues) this.#done(queue, { error: error as Error });
      return;
    }
    const queueOf = new Map<Batch, PartitionQueue>();
    for (const queue of queues) {
      const batch = queue.inFlight!;
      try {
        this.#encode(queue, batch, identity);
        queueOf.set(batch, queue);
      } catch (error) {
        // It can't be encoded. Only this batch fails.
        this.#done(queue, { error: error as Error });
      }
    }
    const batches = [...queueOf.keys()];
    const fields = {
      acks: this.#acks,
      compression: this.#compression,
      transactionalId: this.#writer?.transactionalId ?? null,
      maxVersion: this.#writer?.maxProduceVersion ?? Number.POSITIVE_INFINITY,
    };
    await sendBatches(this.#client, batches, fields, (batch, delivery) =>
      this.#done(queueOf.get(batch)!, delivery),
    );
  }

  #encode(queue: PartitionQueue, batch: Batch, identity: ProducerIdentity | null): void {
    if (batch.isEncoded) return;
    const writer = identity && {
      ...identity,
      baseSequence: queue.takeSequence(identity, batch.recordCount),
      transactional: this.#writer?.transactionalId !== null,
    };
    batch.encoded(this.#compression, writer);
  }

  #done(queue: PartitionQueue, delivery: Delivery): void {
    const batch = queue.inFlight!;
    if ("error" in delivery) {
      this.#failed(queue, batch, delivery.error);
      return;
    }
    queue.sending.worked();
    queue.inFlight = null;
    batch.delivered(delivery.baseOffset, delivery.logAppendTimeMs);
    this.#release(batch.sizeBytes, batch.recordCount);
    this.#scheduleNext(queue);
  }

  /** Without linger if the batch is full, which another behind it shows, or if a flush waits. */
  #scheduleNext({ waiting }: PartitionQueue): void {
    if (waiting.length === 0) return;
    const atOnce = waiting.length > 1 || this.#whenIdle.length > 0;
    this.#scheduleDrain(atOnce ? 0 : this.#lingerMs);
  }

  #failed(queue: PartitionQueue, batch: Batch, error: Error): void {
    const waitMs = backoffMs(batch.tries++);
    const again = isRetriable(error) && waitMs < batch.deadline.remainingMs;
    this.#client.forget(batch.topic);
    this.#partitionCounts.forget(batch.topic);
    queue.sending.failed(error, again);
    if (again) {
      setTimeout(() => void this.#deliver([queue]), waitMs);
      return;
    }
    queue.inFlight = null;
    this.#writer?.batchFailed();
    const { budgetMs } = batch.deadline;
    const late = `${batch.topic}-${batch.partition}: not delivered within ${budgetMs} ms`;
    batch.failed(isRetriable(error) ? new TimeoutError(`${late}: ${error.message}`, error) : error);
    this.#release(batch.sizeBytes, batch.recordCount);
    this.#scheduleNext(queue);
  }
}

/** A broker closes the connection on such a request, whose retries would fail alike. */
function tooLarge(topic: string, sizeBytes: number): ClientError {
  const [size, most] = [sizeBytes, MAX_REQUEST_BATCH_BYTES].map((n) => n.toLocaleString("en-US"));
  return new ClientError(
    "TARPAN_RECORD_TOO_LARGE",
    `a record for ${topic} has ${size} bytes, and a request can carry ${most} at most: split it, or ` +
      "store it elsewhere and send a reference",
  );
}
