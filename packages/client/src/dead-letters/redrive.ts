// Sends dead letters on, each once.
//
// 1. The record and a mark in the dead-letter topic are written in one transaction: a letter is
//    redriven exactly if its mark can be read. A redrive that stops, in whatever way, is gone on
//    with by calling it again.
// 2. All redrives of a topic share a transactional id: a newer one fences the one before, and reads
//    the marks only after that.
import type { Client } from "../connection/client.ts";
import { sleep } from "../connection/retry.ts";
import { ClientError, TransactionError } from "../errors.ts";
import { REDRIVE_BATCH } from "../limits.ts";
import type { ProducerRecord } from "../record.ts";
import { TransactionalProducer } from "../transactions/transactional-producer.ts";
import {
  type DeadLetter,
  type DeadLetterFilter,
  identityOf,
  letterOf,
  markedBy,
  markOf,
  matches,
  redrivenRecord,
} from "./letter.ts";
import { scan } from "./scan.ts";

export interface RedriveProgress {
  /** Sent on by this call. */
  readonly redriven: number;
  /** Left out because they were redriven before. */
  readonly skipped: number;
}

export interface RedriveOptions {
  /** Default: each letter's topic and partition of origin. */
  readonly to?: string | undefined;
  /** Letters per second, at most. Default: as fast as possible. */
  readonly perSecond?: number | undefined;
  /** Called after every batch of up to 100 letters. */
  readonly onProgress?: ((progress: RedriveProgress) => void) | undefined;
  /** Ends it after the current batch. */
  readonly signal?: AbortSignal | undefined;
}

/** The identities of the letters that were redriven. */
export async function redrivenOf(client: Client, topic: string): Promise<Set<string>> {
  const redriven = new Set<string>();
  for await (const record of scan(client, topic)) {
    const identity = markedBy(record);
    if (identity !== null) redriven.add(identity);
  }
  return redriven;
}

export async function redrive(
  client: Client,
  topic: string,
  filter: DeadLetterFilter,
  options: RedriveOptions,
): Promise<RedriveProgress> {
  const transactionalId = `tarpan-redrive.${topic}`;
  await using producer = new TransactionalProducer(client, { transactionalId });
  // Fences another redrive before the marks are read.
  await producer.begin();
  const redriven = await redrivenOf(client, topic);
  const { perSecond = Number.POSITIVE_INFINITY, signal, onProgress } = options;
  const batchSize = Math.min(REDRIVE_BATCH, Math.ceil(perSecond / 10));
  const started = performance.now();
  let [sent, skipped] = [0, 0];
  let batch: ProducerRecord[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    await commit(producer, batch);
    sent += batch.length / 2;
    batch = [];
    onProgress?.({ redriven: sent, skipped });
    const dueMs = started + (sent / perSecond) * 1_000;
    await sleep(Math.max(0, dueMs - performance.now()));
    if (!signal?.aborted) await producer.begin();
  };
  for await (const record of scan(client, topic)) {
    if (signal?.aborted) break;
    if (markedBy(record) !== null) continue;
    const letter = letterOf(record);
    if (!matches(letter, filter)) continue;
    if (redriven.has(identityOf(letter))) {
      skipped++;
      continue;
    }
    redriven.add(identityOf(letter));
    batch.push(...pairOf(letter, options.to));
    if (batch.length / 2 >= batchSize) await flush();
  }
  if (!signal?.aborted) await flush();
  return { redriven: sent, skipped };
}

function pairOf(letter: DeadLetter, to: string | undefined): ProducerRecord[] {
  const record = redrivenRecord(letter, to);
  if (record !== null) return [record, markOf(letter, record.topic)];
  throw new ClientError(
    "TARPAN_NO_ORIGIN",
    `${letter.topic}-${letter.partition} offset ${letter.offset} does not say which topic it came ` +
      "from: give `to`, or a filter that leaves it out",
  );
}

async function commit(producer: TransactionalProducer, batch: readonly ProducerRecord[]) {
  try {
    await producer.sendBatch(batch);
    await producer.commit();
  } catch (error) {
    if (error instanceof TransactionError && error.abortable) await producer.abort();
    throw error;
  }
}
