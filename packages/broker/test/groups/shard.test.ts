import { ErrorCode, type GroupRecord } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { BrokerConfig } from "../../src/config/kafka/typed.ts";
import { CoordinatorError } from "../../src/coordinator/coordinator-error.ts";
import { GroupLog } from "../../src/groups/group-log.ts";
import type { Operation, Step } from "../../src/groups/operation.ts";
import { GroupShard } from "../../src/groups/shard.ts";
import { LogError } from "../../src/log/log.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import { EMPTY_IMAGE } from "../../src/metadata/image.ts";
import { Partition } from "../../src/partition/partition.ts";
import { ManualTime } from "../env/manual-time.ts";
import { SeededRandom } from "../env/seeded-random.ts";

const ID = { topic: "__consumer_offsets", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
const OPTIONS = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };

/** What is committed for a topic nobody has would be forgotten on load. */
const TOPIC = { name: "t", id: "00000000-0000-0000-0000-000000000001", partitions: [] };
const IMAGE = { ...EMPTY_IMAGE, topics: EMPTY_IMAGE.topics.with(new Map([["t", TOPIC]])) };

async function newShard() {
  const engine = new MemoryEngine();
  const log = await engine.create(ID, OPTIONS);
  const partition = await Partition.open(ID, log, 0);
  const time = new ManualTime();
  const world = {
    env: { clock: time, timers: time, random: new SeededRandom(1) },
    log: new GroupLog(silentLogger),
    image: () => IMAGE,
    config: () => ({ offsetsRetentionCheckIntervalMs: 600_000 }) as BrokerConfig,
  };
  const load = () => GroupShard.load(partition, world);
  return { shard: await load(), load, log, time };
}

function commit(offset: number): GroupRecord {
  return {
    record: "OffsetCommit",
    key: { group: "g", topic: "t", partition: 0 },
    value: {
      offset,
      leaderEpoch: -1,
      metadata: "",
      commitTimestamp: 1_700_000_000_000,
      expireTimestamp: -1,
      topicId: "00000000-0000-0000-0000-000000000000",
    },
  };
}

const committing =
  (offset: number): Operation<string> =>
  (_state, _context, effects, reply) => {
    effects.records.push(commit(offset));
    effects.reply(reply, `committed ${offset}`);
  };

test("an answer comes when the records it rests on are durable", async () => {
  const { shard, log } = await newShard();
  const seen: number[] = [];
  const answered = shard.run<number>((_state, _context, effects, reply) => {
    effects.records.push(commit(5));
    effects.replies.push(() => reply(log.endOffset));
    seen.push(log.endOffset);
  });
  expect(seen).toEqual([0]);
  expect(await answered).toBe(1);
});

test("a request may wait for a later step, or for a deadline", async () => {
  const { shard, time } = await newShard();
  const waiting = shard.run<string>((state, { nowMs }, _effects, reply) => {
    state.deadlines.set("patience", nowMs + 50, (_s, _c, effects) =>
      effects.reply(reply, "in the end"),
    );
  });
  await shard.step(() => {});
  time.advance(49);
  expect(time.pendingTimers).toBeGreaterThan(0);
  time.advance(1);
  expect(await waiting).toBe("in the end");
});

test("a failed append refuses everything that waits, once, and the log tells the rest", async () => {
  const { shard, load, log } = await newShard();
  await shard.run(committing(1));
  const patient = shard.run(() => {});
  const real = log.append.bind(log);
  log.append = () => Promise.reject(new LogError("disk-full", "no space"));
  const failed = shard.run(committing(2));
  await expect(failed).rejects.toBeInstanceOf(CoordinatorError);
  await expect(patient).rejects.toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR });
  expect(shard.failed).toBe(true);
  await expect(shard.run(committing(3))).rejects.toBeInstanceOf(CoordinatorError);
  log.append = real;
  const again = await load();
  expect(await again.run(committing(4))).toBe("committed 4");
  expect(log.endOffset).toBe(2);
});

test("a closed shard refuses what waits and what comes", async () => {
  const { shard } = await newShard();
  const patient = shard.run(() => {});
  shard.close(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  await expect(patient).rejects.toMatchObject({ errorCode: 15 });
  await expect(shard.run(committing(1))).rejects.toMatchObject({ errorCode: 15 });
});

test("what a deadline decides is applied before the next one that is due with it looks", async () => {
  const { shard, time } = await newShard();
  const seen: (number | undefined)[] = [];
  const look: Step = ({ offsets }) => void seen.push(offsets.get("g", "t", 0)?.offset);
  const asked = shard.run<string>(({ deadlines }, { nowMs }, _effects, reply) => {
    deadlines.set("first", nowMs + 10, (state, _context, effects) => {
      effects.records.push(commit(5));
      state.deadlines.clear("second");
    });
    deadlines.set("second", nowMs + 10, () => seen.push(-1));
    deadlines.set("third", nowMs + 10, (state, context, effects) => {
      look(state, context, effects);
      effects.reply(reply, "done");
    });
  });
  time.advance(10);
  expect(await asked).toBe("done");
  expect(seen).toEqual([5]);
});
