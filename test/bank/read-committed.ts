import { decompress } from "@tarpan/codecs";
import { decodeBatches, ErrorCode, Fetch, readEndTransaction } from "@tarpan/protocol";
import type { RoutedClient } from "./routed-client.ts";

const READ_COMMITTED = 1;
const MAX_BYTES = 1_000_000;

interface CommittedRead {
  readonly values: readonly { readonly offset: number; readonly value: string }[];
  /** Where the next read begins. */
  readonly next: number;
  readonly lastStableOffset: number;
  readonly highWatermark: number;
}

/** One fetch, with aborted records left out as Kafka's consumers do it. */
export async function readCommitted(
  client: RoutedClient,
  topic: string,
  partition: number,
  from: number,
): Promise<CommittedRead> {
  const partitionOf = (currentLeaderEpoch: number) => {
    return { partition, fetchOffset: from, currentLeaderEpoch, partitionMaxBytes: MAX_BYTES };
  };
  const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: MAX_BYTES };
  const { responses } = await client.ask(
    { topic, partition },
    [Fetch, 12],
    (leaderEpoch) => ({
      ...{ ...limits, isolationLevel: READ_COMMITTED },
      topics: [{ topic, partitions: [partitionOf(leaderEpoch)] }],
    }),
    (answer) => answer.responses[0]?.partitions[0]?.errorCode ?? ErrorCode.NOT_LEADER_OR_FOLLOWER,
  );
  const answer = responses[0]!.partitions[0]!;
  const { lastStableOffset, highWatermark } = answer;
  const values: { offset: number; value: string }[] = [];
  const aborted = [...(answer.abortedTransactions ?? [])];
  aborted.sort((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<number>();
  const records = answer.records ?? new Uint8Array(0);
  let next = from;
  let at = 0;
  for (const batch of decodeBatches(records, { decompress })) {
    const { header } = batch;
    next = Math.max(next, header.lastOffset + 1);
    while (aborted.length > 0 && aborted[0]!.firstOffset <= header.lastOffset) {
      aborting.add(aborted.shift()!.producerId);
    }
    if (header.isControl) {
      const end = readEndTransaction(records, at, header);
      if (end?.isCommit === false) aborting.delete(header.producerId);
    } else if (!header.isTransactional || !aborting.has(header.producerId)) {
      for (const { offset, value } of batch.records()) {
        if (offset >= from) values.push({ offset, value: Buffer.from(value!).toString() });
      }
    }
    at += header.sizeBytes;
  }
  return { values, next, lastStableOffset, highWatermark };
}

/** All of a partition. Rejects if a transaction stays open in it for longer than `limitMs`. */
export async function readAllCommitted(
  client: RoutedClient,
  topic: string,
  partition: number,
  limitMs: number,
): Promise<{ offset: number; value: string }[]> {
  const { wire } = client;
  const deadlineMs = wire.nowMs() + limitMs;
  const all: { offset: number; value: string }[] = [];
  for (let next = 0; ; ) {
    const read = await readCommitted(client, topic, partition, next);
    all.push(...read.values);
    const isStuck = read.next === next;
    next = read.next;
    if (next >= read.highWatermark) return all;
    if (!isStuck) continue;
    if (wire.nowMs() > deadlineMs) {
      const { lastStableOffset, highWatermark } = read;
      const where = `the last stable offset is ${lastStableOffset} of ${highWatermark}`;
      throw new Error(`a transaction of ${topic}-${partition} stays open: ${where}`);
    }
    await wire.pause(100);
  }
}
