import { type OffsetCommit, type RequestOf, ZERO_UUID } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { commitOffsets } from "../../../src/groups/operations/commit-offsets.ts";
import { SNAPSHOT_MIN_RECORDS } from "../../../src/state-machine/limits.ts";
import { offsetsLog } from "./offsets-log.ts";

const VERSION = 9;
const COMMITS = 1_000_000;
const PARTITIONS = 100;
const GROUPS = 20;

it("a million commits leave a log about as short as a snapshot of their result", async () => {
  const { log, load } = await offsetsLog();
  const shard = await load();
  for (let offset = 0; offset < COMMITS / PARTITIONS / GROUPS; offset++) {
    const round = Array.from({ length: GROUPS }, (_, i) =>
      shard.run(commitOffsets(request(`g${i}`, offset), VERSION)),
    );
    await Promise.all(round);
  }
  await shard.step(() => {});
  expect(log.endOffset).toBeGreaterThan(COMMITS);
  expect(log.endOffset - log.startOffset).toBeLessThan(2 * SNAPSHOT_MIN_RECORDS);

  const again = await load();
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
