import type { Consumer, EachBatchPayload } from "kafkajs";
import type { OffsetAndValue } from "../../history/operation.ts";
import { KAFKAJS_RETRY, kafkajs } from "./kafkajs-client.ts";
import { HEARTBEAT_INTERVAL_MS, type Load, pause, SESSION_TIMEOUT_MS } from "./load.ts";
import { Member } from "./member.ts";

const COME_BACK_MS = 100;
const MAX_WAIT_MS = 100;
const REBALANCE_TIMEOUT_MS = 10_000;

/** A group member with kafkajs, which gives up all partitions in each rebalance. */
export async function runKafkajsMember(
  load: Load,
  group: string,
  name: string,
  stays = () => load.consuming,
): Promise<void> {
  while (stays()) {
    const member = new Member(load, group, name);
    const consumer = kafkajs(load, name).consumer({
      groupId: group,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      retry: { ...KAFKAJS_RETRY, restartOnFailure: async () => true },
    });
    const crashed = recordOwned(load, consumer, member);
    const eachBatch = (payload: EachBatchPayload) => take(load, member, payload);
    try {
      await consumer.connect();
      await consumer.subscribe({ topic: load.topic, fromBeginning: true });
      await consumer.run({ autoCommit: false, eachBatch });
      await Promise.race([crashed, load.until(`${name} may stop`, STAY_MS, () => !stays())]);
    } catch (error) {
      member.failed(error);
    }
    await consumer.disconnect().catch((error: unknown) => member.failed(error));
    member.owns(null, []);
    if (stays()) await pause(COME_BACK_MS);
  }
}

const STAY_MS = 3_600_000;

/** Records what the consumer owns. Resolves when it has crashed and will not restart by itself. */
function recordOwned(load: Load, consumer: Consumer, member: Member): Promise<void> {
  const { events } = consumer;
  let owned: readonly number[] = [];
  let generation: number | null = null;
  consumer.on(events.REBALANCING, () => {
    owned = [];
    member.owns(null, owned);
  });
  consumer.on(events.GROUP_JOIN, ({ payload }) => {
    // It reads even the partitions that it keeps from the committed offsets again.
    member.owns(null, []);
    owned = payload.memberAssignment[load.topic] ?? [];
    generation = null;
    member.owns(null, owned);
  });
  // The event of a join has no generation. That of a heartbeat has one, but maybe of a join whose
  // assignment has not arrived yet. The one of a commit belongs to the present assignment.
  consumer.on(events.COMMIT_OFFSETS, ({ payload }) => {
    if (generation === payload.groupGenerationId) return;
    generation = payload.groupGenerationId;
    member.owns(generation, owned);
  });
  return new Promise((resolve) => {
    consumer.on(events.CRASH, ({ payload }) => {
      member.failed(payload.error);
      if (!payload.restart) resolve();
    });
  });
}

async function take(load: Load, member: Member, payload: EachBatchPayload): Promise<void> {
  const { batch, isStale, isRunning, commitOffsetsIfNecessary } = payload;
  const { topic } = load;
  const { partition } = batch;
  if (isStale() || !isRunning()) return;
  const read = batch.messages.map(({ offset, value }): OffsetAndValue => {
    return [Number(offset), Number(value!.toString())];
  });
  member.polled(new Map([[partition, read]]));
  const next = read.at(-1)![0] + 1;
  const partitions = [{ partition, offset: String(next) }];
  await member.commit(new Map([[partition, next]]), () =>
    commitOffsetsIfNecessary({ topics: [{ topic, partitions }] }),
  );
}
