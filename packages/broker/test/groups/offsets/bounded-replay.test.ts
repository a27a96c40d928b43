import { type OffsetCommit, type RequestOf, ZERO_UUID } from "@tarpan/protocol";
import { expect, it } from "vitest";
import type { BrokerConfig } from "../../../src/config/kafka/typed.ts";
import { CoordinatorShard } from "../../../src/coordinator/shard.ts";
import { GroupLog } from "../../../src/groups/group-log.ts";
import { groupMachine } from "../../../src/groups/machine.ts";
import { commitOffsets } from "../../../src/groups/operations/commit-offsets.ts";
import { MemoryEngine } from "../../../src/log/memory.ts";
import { silentLogger } from "../../../src/logging/logger.ts";
import { Partition } from "../../../src/partition/partition.ts";
import { SNAPSHOT_MIN_RECORDS } from "../../../src/state-machine/limits.ts";
import { ClockJumps } from "../../../src/util/clock-jumps.ts";
import { ManualTime } from "../../env/manual-time.ts";
import { SeededRandom } from "../../env/seeded-random.ts";
import { testEnv } from "../../env/test-env.ts";
import { CHECK_MS, imageOf, RETENTION_MS, topicId } from "./support.ts";

const ID = { topic: "__consumer_offsets", topicId: ZERO_UUID, partition: 0 };
const OPTIONS = { segmentBytes: 1 << 30, segmentMs: 1 << 30, indexIntervalBytes: 4096 };
const VERSION = 9;
const COMMITS = 1_000_000;
const PARTITIONS = 100;
const GROUPS = 20;

it("a million commits leave a log about as short as a snapshot of their result", async () => {
  const log = await new MemoryEngine(testEnv()).create(ID, OPTIONS);
  const partition = await Partition.open(ID, log, 0);
  const time = new ManualTime();
  const image = imageOf({ t: topicId("t") });
  const world = {
    env: { clock: time, timers: time, random: new SeededRandom(1) },
    image: () => image,
    config: () =>
      ({
        offsetMetadataMaxBytes: 4096,
        offsetsRetentionMs: RETENTION_MS,
        offsetsRetentionCheckIntervalMs: CHECK_MS,
      }) as BrokerConfig,
    jumps: new ClockJumps(time),
    reportBug(error: unknown) {
      throw error;
    },
    onFailure() {},
  };
  const machine = groupMachine(new GroupLog(silentLogger));
  const shard = await CoordinatorShard.load(partition, machine, world);
  for (let offset = 0; offset < COMMITS / PARTITIONS / GROUPS; offset++) {
    const round = Array.from({ length: GROUPS }, (_, i) =>
      shard.run(commitOffsets(request(`g${i}`, offset), VERSION)),
    );
    await Promise.all(round);
  }
  await shard.step(() => {});
  expect(log.endOffset).toBeGreaterThan(COMMITS);
  expect(log.endOffset - log.startOffset).toBeLessThan(2 * SNAPSHOT_MIN_RECORDS);

  const again = await CoordinatorShard.load(partition, machine, world);
  const last = COMMITS / PARTITIONS / GROUPS - 1;
  const wrong = await again.run<number>((turn, reply) => {
    const values = [...turn.state.offsets.records()]
      .flat()
      .map(({ value }) => value as { offset: number });
    turn.reply(reply, values.filter(({ offset }) => offset !== last).length);
    expect(values).toHaveLength(PARTITIONS * GROUPS);
  });
  expect(wrong).toBe(0);
});

function request(groupId: string, committedOffset: number): RequestOf<typeof OffsetCommit> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset,
    committedLeaderEpoch: -1,
    committedMetadata: "",
  }));
  return {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [{ name: "t", topicId: ZERO_UUID, partitions }],
  };
}
