import { AlterPartitionReassignments, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { createTopics } from "../metadata/ask.ts";
import { cluster } from "../metadata/cluster.ts";
import { spec } from "../metadata/support.ts";
import { brokerWithoutStorage, clusterBroker } from "./cluster-broker.ts";
import { WholeBroker } from "./whole-broker.ts";

function alter(
  broker: WholeBroker,
  version: number,
  replicas: (number[] | null)[],
  more: { allowReplicationFactorChange?: boolean } = {},
) {
  const partitions = replicas.map((list, partitionIndex) => ({ partitionIndex, replicas: list }));
  const request = { timeoutMs: 1, topics: [{ name: "t", partitions }], ...more };
  return broker.call(AlterPartitionReassignments, version, request);
}

async function codes(...asked: Parameters<typeof alter>): Promise<number[]> {
  const { responses } = await alter(...asked);
  return responses[0]!.partitions.map(({ errorCode }) => errorCode);
}

const { INVALID_REPLICA_ASSIGNMENT, NO_REASSIGNMENT_IN_PROGRESS } = ErrorCode;

it("AlterPartitionReassignments begins and cancels reassignments, at both versions", async () => {
  for (const version of [0, 1]) {
    const history = cluster([1, 2, 3], {
      t: [
        [1, 2],
        [2, 3],
        [3, 1],
      ],
    });
    const broker = await clusterBroker(history);
    const answer = await alter(broker, version, [[3, 2], [2, 9], null, [1]]);
    expect(answer).toMatchObject({ errorCode: 0, errorMessage: null });
    expect(answer.responses[0]).toMatchObject({
      name: "t",
      partitions: [
        { partitionIndex: 0, errorCode: 0, errorMessage: null },
        { errorCode: INVALID_REPLICA_ASSIGNMENT, errorMessage: expect.stringContaining("9") },
        { errorCode: NO_REASSIGNMENT_IN_PROGRESS },
        { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      ],
    });
    expect(history.partition("t")).toMatchObject({ adding: [3], removing: [1] });
    expect(await codes(broker, version, [null])).toEqual([0]);
    expect(history.partition("t")).toMatchObject({ replicas: [2, 1], adding: [], removing: [] });
  }
});

it("AlterPartitionReassignments keeps the replication factor on request", async () => {
  const broker = await clusterBroker(cluster([1, 2, 3], { t: [[1, 2]] }));
  const kept = { allowReplicationFactorChange: false };
  const refused = [ErrorCode.INVALID_REPLICATION_FACTOR];
  expect(await codes(broker, 1, [[1, 2, 3]], kept)).toEqual(refused);
  expect(await alter(broker, 1, [[1, 3]], kept)).toMatchObject(kept);
  expect(await codes(broker, 1, [[1, 2, 3]])).toEqual([0]);
});

it("AlterPartitionReassignments accepts only the present replica on a single broker", async () => {
  const broker = await WholeBroker.start();
  await createTopics(broker.metadata, [spec("t")]);
  expect(await codes(broker, 1, [[1]])).toEqual([0]);
  expect(await codes(broker, 1, [[2]])).toEqual([INVALID_REPLICA_ASSIGNMENT]);
  expect(await codes(broker, 1, [[]])).toEqual([INVALID_REPLICA_ASSIGNMENT]);
  expect(await codes(broker, 1, [null])).toEqual([NO_REASSIGNMENT_IN_PROGRESS]);
});

it("AlterPartitionReassignments answers KAFKA_STORAGE_ERROR when it can't store", async () => {
  const answer = await alter(await brokerWithoutStorage(), 0, [[1]]);
  expect(answer).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR, responses: [] });
});
