// Sends records: batched by partition, one request per broker, retried until delivered or too late.
//
// 1. The promise of every record is settled: a batch is tried at least once, and not again once its
//    delivery time-out has passed.
// 2. Records of a partition are stored in the order of their `send` calls.
// 3. With idempotence (the default at acks=all) a retry never stores a batch twice. A batch given
//    up on leaves a gap in the sequences, so a new producer id is taken after it.
import { Compression, InitProducerId, type RecordInput } from "@tarpan/protocol";
import { type Checks, callback, check, checkOptions, flag, list, oneOf } from "../checks/checks.ts";
import { byteCount, timeoutMs, waitMs } from "../checks/values.ts";
import type { Client } from "../connection/client.ts";
import { requireClient } from "../connection/require-client.ts";
import { backoffMs } from "../connection/retry.ts";
import { assertOk, ClientError, isRetriable, TimeoutError } from "../errors.ts";
import {
  BATCH_BYTES,
  BUFFER_BYTES,
  DELIVERY_TIMEOUT_MS,
  MAX_REQUEST_BATCH_BYTES,
  RECORD_HEAP_BYTES,
} from "../limits.ts";
import type { ProducerRecord, RecordMetadata } from "../record.ts";
import {
  type Batch,
  type ProducerIdentity,
  type Settled,
  sizeOf,
  tell,
  toRecordInput,
} from "./batch.ts";
import { checkRecord } from "./check-record.ts";
import { PartitionCounts } from "./partition-counts.ts";
import { PartitionQueue } from "./partition-queue.ts";
import { hashPartitioner, type Partitioner } from "./partitioner.ts";
import { type Delivery, sendBatches } from "./send-batches.ts";

export type Acks = "all" | -1 | 0 | 1;
export type CompressionName = keyof typeof Compression;

export interface ProducerOptions {
  /** all (default): stored durably; 1: taken by the leader; 0: no answer at all. */
  readonly acks?: Acks;
  readonly compression?: CompressionName;
  /** Needs acks=all, and is the default there. */
  readonly idempotent?: boolean;
  readonly partitioner?: Partitioner;
  /** How long a record waits for company, ms. 0 still batches what comes while others travel. */
  readonly lingerMs?: number;
  /** Bytes a batch may grow to, before compression. */
  readonly batchBytes?: number;
  /**
   * Memory for unsent records, bytes. `ready` resolves while less than half of it is in use, when
   * anything is taken, however large; above, what would go beyond it is refused.
   */
  readonly bufferBytes?: number;
  /** Time from `send` to giving up, ms. */
  readonly deliveryTimeoutMs?: number | undefined;
}

const OPTIONS: Checks<ProducerOptions> = {
  acks: oneOf("all", -1, 0, 1),
  compression: oneOf(...Object.keys(Compression)),
  idempotent: flag,
  partitioner: callback,
  lingerMs: waitMs,
  batchBytes: byteCount,
  bufferBytes: byteCount,
  deliveryTimeoutMs: timeoutMs,
};

export class Producer {
  readonly #client: Client;
  readonly #acks: number;
  readonly #compression: number;
  readonly #idempotent: boolean;
  readonly #partitioner: Partitioner;
  readonly #lingerMs: number;
  readonly #batchBytes: number;
  readonly #bufferBytes: number;
  readonly #deliveryTimeoutMs: number;
  /** By topic, and by partition. */
  readonly #queues = new Map<string, Map<number, PartitionQueue>>();
  readonly #partitionCounts: PartitionCounts;
  #identity: Promise<ProducerIdentity> | null = null;
  #bufferedBytes = 0;
  #unsettled = 0;
  #soon: NodeJS.Immediate | null = null;
  #later: NodeJS.Timeout | null = null;
  #whenReady: (() => void)[] = [];
  #whenIdle: (() => void)[] = [];
  #closed = false;

  constructor(client: Client, options: ProducerOptions = {}) {
    requireClient("new Producer", client);
    checkOptions("new Producer", options, OPTIONS);
    const { acks = "all", compression = "none" } = options;
    this.#client = client;
    this.#acks = acks === "all" ? -1 : acks;
    this.#compression = Compression[compression];
    this.#idempotent = options.idempotent ?? this.#acks === -1;
    this.#partitioner = options.partitioner ?? hashPartitioner();
    this.#lingerMs = options.lingerMs ?? 0;
    this.#batchBytes = options.batchBytes ?? BATCH_BYTES;
    this.#bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? DELIVERY_TIMEOUT_MS;
    this.#partitionCounts = new PartitionCounts(client, this.#deliveryTimeoutMs);
    if (this.#idempotent && this.#acks !== -1)
      throw new ClientError("TARPAN_BAD_OPTION", "an idempotent producer needs acks=all");
  }

  /**
   * Resolves once the record is stored as `acks` asks. Rejects with a ClientError: TARPAN_TIMEOUT
   * means that it may or may not have been stored, TARPAN_BUFFER_FULL that `ready` was not awaited,
   * TARPAN_BAD_RECORD that it is none, TARPAN_RECORD_TOO_LARGE that no request could carry it.
   */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    return new Promise((resolve, reject) =>
      this.sendEach([record], (_index, outcome) =>
        outcome instanceof Error ? reject(outcome) : resolve(outcome),
      ),
    );
  }

  /**
   * Sends several; resolves in their order once all are stored, rejects with the first failure. All
   * are taken, and nothing of another call between them, or none: TARPAN_BUFFER_FULL and
   * TARPAN_BAD_RECORD say that none was.
   */
  async sendBatch(records: readonly ProducerRecord[]): Promise<RecordMetadata[]> {
    check("records", records, list);
    if (records.length === 0) return [];
    return new Promise((resolve, reject) => {
      const went = new Array<RecordMetadata>(records.length);
      let missing = records.length;
      this.sendEach(records, (index, outcome) => {
        if (outcome instanceof Error) return reject(outcome);
        went[index] = outcome;
        if (--missing === 0) resolve(went);
      });
    });
  }

  /**
   * Sends several and calls `settled` once for each, with its index: for many small ones, whose
   * promises would cost more than they do. Takes all or, throwing what `sendBatch` rejects with,
   * none.
   */
  sendEach(records: readonly ProducerRecord[], settled: Settled): void {
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
    this.#hold(sumBytes, records.length);
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

  /** Resolves when there is room for more: await it between sends to keep memory bounded. */
  ready(): Promise<void> {
    if (this.#bufferedBytes <= this.#bufferBytes / 2) return Promise.resolve();
    return new Promise((resolve) => this.#whenReady.push(resolve));
  }

  /**
   * Resolves when everything sent so far is settled, well or not: see each record's own promise.
   */
  flush(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    this.#scheduleDrain(0);
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Takes no more records and waits for those it has. The client stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Throws before anything is taken. Every record gives its bytes back when it is settled. */
  #hold(heldBytes: number, recordCount: number): void {
    if (this.#closed) throw new ClientError("TARPAN_CLOSED", "the producer is closed");
    const usedBytes = this.#bufferedBytes;
    if (usedBytes > this.#bufferBytes / 2 && usedBytes + heldBytes > this.#bufferBytes)
      throw new ClientError(
        "TARPAN_BUFFER_FULL",
        `${usedBytes} of ${this.#bufferBytes} bytes of records wait to be sent; await ready() before ` +
          "sending more",
        { retriable: true },
      );
    this.#bufferedBytes += heldBytes;
    this.#unsettled += recordCount;
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
      tell(settled, index, error as Error);
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

  /** Of records that are settled. */
  #release(sizeBytes: number, recordCount: number): void {
    this.#bufferedBytes -= sizeBytes + recordCount * RECORD_HEAP_BYTES;
    this.#unsettled -= recordCount;
    if (this.#bufferedBytes <= this.#bufferBytes / 2)
      for (const resolve of this.#whenReady.splice(0)) resolve();
    if (this.#unsettled === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Not at once: what the caller sends in the same turn belongs into the same batch. */
  #scheduleDrain(lingerMs: number): void {
    if (this.#soon !== null) return;
    if (lingerMs > 0) this.#later ??= setTimeout(() => this.#drain(), lingerMs);
    else this.#soon = setImmediate(() => this.#drain());
  }

  #drain(): void {
    if (this.#soon !== null) clearImmediate(this.#soon);
    if (this.#later !== null) clearTimeout(this.#later);
    this.#soon = null;
    this.#later = null;
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
      identity = this.#idempotent ? await this.#takeIdentity() : null;
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
        // A batch that can't be written: only it fails.
        this.#done(queue, { error: error as Error });
      }
    }
    const batches = [...queueOf.keys()];
    await sendBatches(this.#client, batches, this.#acks, this.#compression, (batch, delivery) =>
      this.#done(queueOf.get(batch)!, delivery),
    );
  }

  #encode(queue: PartitionQueue, batch: Batch, identity: ProducerIdentity | null): void {
    if (batch.isEncoded) return;
    const writer =
      identity === null
        ? null
        : { ...identity, baseSequence: queue.takeSequence(identity, batch.recordCount) };
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

  /** A batch that is full, since another follows it, need not wait for company; nor for a flush. */
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
    if (this.#idempotent) this.#identity = null;
    const { budgetMs } = batch.deadline;
    const late = `${batch.topic}-${batch.partition}: not delivered within ${budgetMs} ms`;
    batch.failed(isRetriable(error) ? new TimeoutError(`${late}: ${error.message}`, error) : error);
    this.#release(batch.sizeBytes, batch.recordCount);
    this.#scheduleNext(queue);
  }

  #takeIdentity(): Promise<ProducerIdentity> {
    if (this.#identity === null) {
      const identity = this.#initProducerId();
      this.#identity = identity;
      identity.catch(() => {
        if (this.#identity === identity) this.#identity = null;
      });
    }
    return this.#identity;
  }

  async #initProducerId(): Promise<ProducerIdentity> {
    const body = { transactionalId: null, transactionTimeoutMs: 0 };
    const answer = await this.#client.request(InitProducerId, body);
    assertOk(answer.errorCode, "taking a producer id");
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }
}

/** A broker closes the connection at such a request, and no retry would change that. */
function tooLarge(topic: string, sizeBytes: number): ClientError {
  const [size, most] = [sizeBytes, MAX_REQUEST_BATCH_BYTES].map((n) => n.toLocaleString("en-US"));
  return new ClientError(
    "TARPAN_RECORD_TOO_LARGE",
    `a record for ${topic} has ${size} bytes, and a request can carry ${most} at most: split it, or ` +
      "keep it elsewhere and send where it is",
  );
}
