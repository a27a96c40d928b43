import { ZERO_UUID } from "@tarpan/protocol";
import { expect, test } from "vitest";
import { newestOf, type TopicMetadata } from "../src/connection/metadata.ts";

const ID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const OTHER_ID = "6ba7b810-9dad-41d1-80b4-00c04fd430c9";

/** A topic whose partitions are led by these brokers, in these epochs. */
function topic(id: string, ...led: readonly (readonly [number, number])[]): TopicMetadata {
  const replicas = { replicas: [], inSyncReplicas: [], offlineReplicas: [] };
  const partitions = led.map(([leader, leaderEpoch], partition) => {
    return { partition, leader, leaderEpoch, ...replicas };
  });
  return { name: "t", id, isInternal: false, partitions };
}

const leaders = ({ partitions }: TopicMetadata) => partitions.map(({ leader }) => leader);

test("a broker that is behind does not bring back a leader that was deposed", () => {
  const known = topic(ID, [1, 4], [1, 4]);
  expect(leaders(newestOf(topic(ID, [2, 2], [3, 5]), known))).toEqual([1, 3]);
  expect(leaders(newestOf(topic(ID, [-1, 4], [2, 4], [3, 0]), known))).toEqual([-1, 2, 3]);
});

test("a topic that was made anew is believed, and one without an id, and the first", () => {
  const known = topic(ID, [1, 4]);
  expect(leaders(newestOf(topic(OTHER_ID, [2, 0]), known))).toEqual([2]);
  expect(leaders(newestOf(topic(ZERO_UUID, [2, 0]), topic(ZERO_UUID, [1, 4])))).toEqual([2]);
  expect(leaders(newestOf(topic(ID, [2, 0]), undefined))).toEqual([2]);
});
