import { ErrorCode, ListPartitionReassignments } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { decideReassign } from "../../src/metadata/decide-reassign.ts";
import { createTopics } from "../metadata/ask.ts";
import { cluster } from "../metadata/cluster.ts";
import { spec } from "../metadata/support.ts";
import { brokerWithoutStorage, clusterBroker } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

function list(broker: WholeBroker, topics: { name: string; partitionIndexes: number[] }[] | null) {
  const request = { timeoutMs: 1, topics };
  return broker.call(ListPartitionReassignments, 0, request);
}

it("ListPartitionReassignments lists partitions that are being reassigned", async () => {
  const history = cluster([1, 2, 3], {
    t: [
      [1, 2],
      [2, 3],
    ],
    u: [[1]],
  });
  const partitions = [{ partitionIndex: 1, replicas: [1, 3] }];
  const options = { allowReplicationFactorChange: true };
  history.take(decideReassign(history.image, [{ name: "t", partitions }], options));
  const broker = await clusterBroker(history);
  const moving = {
    partitionIndex: 1,
    replicas: [1, 3, 2],
    addingReplicas: [1],
    removingReplicas: [2],
  };
  const answer = { errorCode: 0, topics: [{ name: "t", partitions: [moving] }] };
  expect(await list(broker, null)).toMatchObject(answer);
  const all = ["t", "u", "none"].map((name) => ({ name, partitionIndexes: [0, 1] }));
  expect(await list(broker, all)).toMatchObject(answer);
  expect((await list(broker, [{ name: "t", partitionIndexes: [0] }])).topics).toEqual([]);
  expect((await list(broker, [])).topics).toEqual([]);
});

it("ListPartitionReassignments lists nothing on a single broker", async () => {
  const broker = await WholeBroker.start();
  await createTopics(broker.metadata, [spec("t")]);
  expect(await list(broker, null)).toMatchObject({ errorCode: 0, topics: [] });
});

it("ListPartitionReassignments answers the error of a controller without storage", async () => {
  const { errorCode } = await list(await brokerWithoutStorage(), null);
  expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
});
