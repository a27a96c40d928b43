import type { GroupOperation } from "../turn.ts";

/** An open transaction in one partition of `__consumer_offsets`. */
export interface OpenGroupTransaction {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Of the producer's transaction before this one; -1 when it has none. */
  readonly coordinatorEpoch: number;
  /** Of its first record; 0 if an older version has recorded that. */
  readonly startOffset: number;
  /** When its oldest pending offset was recorded, wall ms. */
  readonly startedMs: number;
  /** When its newest one was. */
  readonly lastMs: number;
}

/** Lists the open transactions of one shard, those that hold its committed offsets. */
export const listGroupTransactions: GroupOperation<OpenGroupTransaction[]> = (turn, reply) => {
  const open: OpenGroupTransaction[] = [];
  for (const [producerId, producer] of turn.state.offsets.pending.producers) {
    const { epoch: producerEpoch, coordinatorEpoch, lastMs, pending } = producer;
    if (pending.size === 0) continue;
    const startOffset = Math.max(producer.startOffset, 0);
    let startedMs = lastMs;
    for (const { value } of pending) startedMs = Math.min(startedMs, value.commitTimestamp);
    open.push({ producerId, producerEpoch, coordinatorEpoch, startOffset, startedMs, lastMs });
  }
  turn.reply(reply, open);
};
