import { DeleteRecords, ErrorCode, encodeBatch, ListOffsets } from "@tarpan/protocol";
import { describe, expect, it, vi } from "vitest";
import { findMaxTimestamp } from "../../src/partition/find-by-timestamp.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { WholeBroker } from "./whole-broker.ts";

// The test batches carry the timestamps 1000, 1001, …
async function brokerWithRecords() {
  const broker = await WholeBroker.start();
  await broker.createTopic("t");
  await broker.produceRecords("t", 3);
  await broker.produceRecords("t", 5);
  const ask = async (timestamp: bigint, version = 11, more = {}) => {
    const partitions = [{ partitionIndex: 0, timestamp, ...more }];
    const topics = [{ name: "t", partitions }];
    const answer = await broker.call(ListOffsets, version, { replicaId: -1, topics });
    return answer.topics[0]!.partitions[0]!;
  };
  return { broker, ask };
}

describe("ListOffsets", () => {
  it("finds the earliest and the latest offset at every version", async () => {
    const { ask } = await brokerWithRecords();
    for (let version = 1; version <= 11; version++) {
      expect((await ask(-1n, version)).offset).toBe(8);
      expect((await ask(-2n, version)).offset).toBe(0);
    }
    expect(await ask(-1n, 4)).toMatchObject({ errorCode: 0, timestamp: -1, leaderEpoch: 0 });
  });

  it("finds the first record at or after a time", async () => {
    const { ask } = await brokerWithRecords();
    expect(await ask(0n)).toMatchObject({ offset: 0, timestamp: 1000 });
    expect(await ask(1001n)).toMatchObject({ offset: 1, timestamp: 1001 });
    expect(await ask(1003n)).toMatchObject({ offset: 6, timestamp: 1003 });
    expect(await ask(5000n)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
    expect(await ask(2n ** 63n - 1n)).toMatchObject({ errorCode: 0, offset: -1 });
  });

  it("finds the record with the largest timestamp", async () => {
    const { ask } = await brokerWithRecords();
    expect(await ask(-3n)).toMatchObject({ offset: 7, timestamp: 1004 });
  });

  it.each([-5n, -6n])("finds no offset for %d, without tiered storage", async (timestamp) => {
    const { ask } = await brokerWithRecords();
    const nothing = { errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 };
    expect(await ask(timestamp)).toMatchObject(nothing);
  });

  it("finds no offset below the log start, also when that is inside a batch", async () => {
    const { broker, ask } = await brokerWithRecords();
    const cut = async (offset: number) => {
      const topics = [{ name: "t", partitions: [{ partitionIndex: 0, offset }] }];
      await broker.call(DeleteRecords, 2, { topics, timeoutMs: 1_000 });
    };
    await cut(5);
    for (const timestamp of [-2n, -4n, 0n, 1000n]) expect((await ask(timestamp)).offset).toBe(5);
    expect(await ask(0n)).toMatchObject({ offset: 5, timestamp: 1002 });
    expect(await ask(-3n)).toMatchObject({ offset: 7, timestamp: 1004 });
    await cut(8);
    for (const timestamp of [0n, -3n]) expect((await ask(timestamp)).offset).toBe(-1);
  });

  it("searches the log once after its newest record was deleted, not per request", async () => {
    const broker = await WholeBroker.start();
    await broker.createTopic("t");
    const times = (...timestamps: number[]) => {
      const records = timestamps.map((timestamp) => ({ key: null, value: null, timestamp }));
      return broker.produce("t", encodeBatch(records));
    };
    for (const timestamp of [9000, 1000, 3000, 2000]) await times(timestamp);
    const partition = broker.broker.partitions.find("t", 0) as Partition;
    await partition.log.deleteBefore(1);
    const newest = () => findMaxTimestamp(partition, partition.log.endOffset);
    const reads = vi.spyOn(partition.log, "read");
    const readsOf = async (found: { offset: number; timestamp: number }) => {
      reads.mockClear();
      expect(await newest()).toEqual(found);
      return reads.mock.calls.length;
    };
    const first = await readsOf({ offset: 2, timestamp: 3000 });
    const again = await readsOf({ offset: 2, timestamp: 3000 });
    expect(again).toBeLessThan(first);
    await times(4000, 3500);
    expect(await readsOf({ offset: 4, timestamp: 4000 })).toBeLessThan(first);
    await partition.log.deleteBefore(5);
    await readsOf({ offset: 5, timestamp: 3500 });
  });

  it("refuses special timestamps of later versions, and unknown partitions", async () => {
    const { broker, ask } = await brokerWithRecords();
    expect((await ask(-3n, 6)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect((await ask(-4n, 7)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect((await ask(-6n, 10)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect((await ask(-9n)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect((await ask(-1n, 4, { currentLeaderEpoch: 5 })).errorCode).toBe(
      ErrorCode.UNKNOWN_LEADER_EPOCH,
    );
    const one = { partitionIndex: 0, timestamp: -1n };
    const { topics } = await broker.call(ListOffsets, 1, {
      replicaId: -1,
      topics: [
        { name: "t", partitions: [one, one] },
        { name: "nosuch", partitions: [one] },
      ],
    });
    expect(topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(topics[1]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });
});
