import { ErrorCode, FindCoordinator } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { partitionOf } from "../../src/coordinator/partition-of.ts";
import { cluster } from "../metadata/cluster.ts";
import { WholeBroker } from "./whole-broker.ts";

it("finds the coordinator of a group, at every version", async () => {
  const broker = await WholeBroker.start();
  for (let version = 0; version <= 3; version++) {
    const answer = await broker.call(FindCoordinator, version, { key: "group" });
    expect(answer).toMatchObject({ errorCode: 0, nodeId: 1, host: "127.0.0.1", port: 19092 });
  }
  for (let version = 4; version <= 6; version++) {
    const { coordinators } = await broker.call(FindCoordinator, version, {
      coordinatorKeys: ["a", "b"],
    });
    expect(coordinators.map(({ key, errorCode, nodeId }) => [key, errorCode, nodeId])).toEqual([
      ["a", 0, 1],
      ["b", 0, 1],
    ]);
  }
  const topic = broker.metadata.image.topics.get("__consumer_offsets");
  expect(topic?.partitions).toHaveLength(50);
});

it("finds the coordinator of a transactional id, for which it creates the topic", async () => {
  const broker = await WholeBroker.start();
  const answer = await broker.call(FindCoordinator, 3, { key: "tx", keyType: 1 });
  expect(answer).toMatchObject({ errorCode: 0, nodeId: 1, host: "127.0.0.1", port: 19092 });
  const topic = broker.metadata.image.topics.get("__transaction_state");
  expect(topic?.partitions).toHaveLength(50);
});

it("refuses key types that there are none of", async () => {
  const broker = await WholeBroker.start();
  const share = await broker.call(FindCoordinator, 3, { key: "share", keyType: 2 });
  expect(share.errorCode).toBe(ErrorCode.INVALID_REQUEST);
});

it("hashes group ids as Kafka does", () => {
  // Java's String.hashCode: 96354 for "abc", 0 for "".
  expect(partitionOf("abc", 50)).toBe(96_354 % 50);
  expect(partitionOf("", 50)).toBe(0);
});

it("names the leader of each group's partition, unless it is down", async () => {
  const history = cluster([2, 3], { __consumer_offsets: [[2], [3], [2]] });
  history.change("__consumer_offsets", 2, { leader: -1 });
  history.fence(3);
  const broker = await WholeBroker.startWith({ before: history.records });
  // Java's hash of one letter is its code: 99 for "c", a multiple of 3.
  const keys = ["c", "d", "e"];
  expect(keys.map((key) => partitionOf(key, 3))).toEqual([0, 1, 2]);
  const { coordinators } = await broker.call(FindCoordinator, 4, { coordinatorKeys: keys });
  const away = { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, nodeId: -1, host: "", port: -1 };
  expect(coordinators).toMatchObject([
    { key: "c", errorCode: 0, nodeId: 2, host: "host-2", port: 9092 },
    { key: "d", ...away },
    { key: "e", ...away },
  ]);
  const one = async (key: string) => (await broker.call(FindCoordinator, 1, { key })).nodeId;
  expect([await one("c"), await one("d")]).toEqual([2, -1]);
});
