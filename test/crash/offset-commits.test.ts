// `__consumer_offsets` stays small however often groups commit, and a kill loses no position.
import { OffsetCommit } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { committedOffsets, OFFSETS_TOPIC } from "../harness/group-observer.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { coordinatorReady } from "../harness/raw-group.ts";
import { createTopic } from "../harness/records.ts";

/** `npm run chaos` commits more. */
const COMMITS = process.env.TARPAN_CHAOS === undefined ? 24_000 : 200_000;
const GROUPS = 8;
const PARTITIONS = 20;
const ROUNDS = COMMITS / GROUPS / PARTITIONS;
const SEGMENT_BYTES = 1 << 20;
/** A snapshot is taken after 10,000 records, and holds one for each group and partition. */
const MOST_RECORDS = 12_000;
/** A segment leaves once it is full and all of it is before the snapshot. */
const MOST_BYTES = 4 << 20;
const configs = {
  "offsets.topic.num.partitions": 1,
  "offsets.topic.segment.bytes": SEGMENT_BYTES,
};
const limits = Object.entries(configs).flatMap(([name, value]) => ["--kafka", `${name}=${value}`]);

for (const storage of ["memory", "segment"]) {
  it(`after ${COMMITS} commits the log of a ${storage} broker is short`, async () => {
    const broker = new BrokerProcess({ flags: [...limits, "--storage", storage] });
    await broker.start();
    try {
      const groups = await commitAll(broker);
      const { sizeBytes, endOffset, startOffset } = await offsetsLog(broker);
      expect(endOffset).toBeGreaterThanOrEqual(COMMITS);
      expect(sizeBytes).toBeLessThan(MOST_BYTES);
      expect(endOffset - startOffset).toBeLessThan(MOST_RECORDS);
      if (storage === "segment") await broker.restart();
      for (const group of groups) await expectLast(broker, group);
    } finally {
      await broker.kill9();
    }
  }, 120_000);
}

async function commitAll(broker: BrokerProcess): Promise<string[]> {
  const connection = await RawConnection.open(broker.port);
  await createTopic(connection, "plain", { partitions: PARTITIONS });
  connection.close();
  const groups = Array.from({ length: GROUPS }, (_, index) => `group-${index}`);
  await Promise.all(groups.map((group) => commitOften(broker, group)));
  return groups;
}

async function commitOften(broker: BrokerProcess, groupId: string): Promise<void> {
  const connection = await RawConnection.open(broker.port);
  await coordinatorReady(connection, groupId);
  for (let round = 1; round <= ROUNDS; round++) {
    const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => {
      return { partitionIndex, committedOffset: round + partitionIndex, committedMetadata: "" };
    });
    const { topics } = await connection.request(OffsetCommit, 8, {
      ...{ groupId, generationIdOrMemberEpoch: -1, memberId: "", groupInstanceId: null },
      topics: [{ name: "plain", partitions }],
    });
    for (const { errorCode } of topics[0]!.partitions) expect(errorCode).toBe(0);
  }
  connection.close();
}

async function expectLast(broker: BrokerProcess, groupId: string): Promise<void> {
  const connection = await RawConnection.open(broker.port);
  await coordinatorReady(connection, groupId);
  const expected = Array.from({ length: PARTITIONS }, (_, index) => ROUNDS + index);
  expect(await committedOffsets(connection, groupId, "plain", PARTITIONS)).toEqual(expected);
  connection.close();
}

/** The one partition of `__consumer_offsets`. */
async function offsetsLog(broker: BrokerProcess) {
  const status = await fetch(`http://${broker.bootstrap}/cluster/status?partitions=true`);
  const { partitions } = (await status.json()) as { partitions: Listed[] };
  return partitions.find(({ topic }) => topic === OFFSETS_TOPIC)!;
}

interface Listed {
  readonly topic: string;
  readonly sizeBytes: number;
  readonly startOffset: number;
  readonly endOffset: number;
}
