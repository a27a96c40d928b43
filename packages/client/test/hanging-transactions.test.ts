// Which open transactions hang, with a scripted broker: a real one lets none hang by itself.
import {
  DescribeProducers,
  DescribeTransactions,
  FindCoordinator,
  ListTransactions,
} from "@tarpan/protocol";
import { expect, test } from "vitest";
import { Admin } from "../src/index.ts";
import { scriptedBrokers } from "./scripted-brokers.ts";

const LONG_AGO = Date.now() - 3_600_000;

const producer = (producerId: number, currentTxnStartOffset: number, lastTimestamp = LONG_AGO) => ({
  ...{ producerId, producerEpoch: 3, lastSequence: 0, lastTimestamp },
  ...{ coordinatorEpoch: 1, currentTxnStartOffset },
});

/** Each coordinator's transactional ids, by producer id, with the partitions of topic t. */
const KNOWN: Readonly<Record<string, readonly number[]>> = { 20: [0], 30: [1] };

const topic = {
  ...{ errorCode: 0, name: "t", isInternal: false },
  partitions: [0].map((partitionIndex) => ({
    ...{ errorCode: 0, partitionIndex, leaderId: 1, leaderEpoch: 0 },
    ...{ replicaNodes: [1], isrNodes: [1], offlineReplicas: [] },
  })),
};

test("those hang that no coordinator counts the partition to", async () => {
  const activeProducers = [
    producer(10, 5),
    producer(20, 6),
    producer(30, 7),
    producer(40, 8, Date.now()),
    producer(50, -1),
  ];
  let described = 0;
  const { client, close } = await scriptedBrokers(
    1,
    [
      [DescribeProducers, 0],
      [ListTransactions, 0],
      [FindCoordinator, 4],
      [DescribeTransactions, 0],
    ],
    () => [topic],
    (api) => {
      if (api === DescribeProducers) {
        const partition = { partitionIndex: 0, errorCode: 0, errorMessage: null, activeProducers };
        return { topics: [{ name: "t", partitions: [partition] }] };
      }
      const ids = Object.keys(KNOWN);
      if (api === ListTransactions)
        return {
          ...{ errorCode: 0, unknownStateFilters: [] },
          transactionStates: ids.map((id) => {
            return { transactionalId: id, producerId: Number(id), transactionState: "Ongoing" };
          }),
        };
      if (api === FindCoordinator) {
        const { port } = [...cluster.brokers.values()][0]!;
        const coordinator = { key: "", nodeId: 1, host: "127.0.0.1", port };
        return { coordinators: [{ ...coordinator, errorCode: 0, errorMessage: null }] };
      }
      const id = ids[described++]!;
      const state = {
        ...{ errorCode: 0, transactionalId: id, transactionState: "Ongoing" },
        ...{ transactionTimeoutMs: 1, transactionStartTimeMs: 1, producerEpoch: 3 },
      };
      const topics = [{ topic: "t", partitions: KNOWN[id]! }];
      return { transactionStates: [{ ...state, producerId: Number(id), topics }] };
    },
  );
  const cluster = await client.cluster();
  try {
    const admin = new Admin(client);
    const found = await admin.findHangingTransactions({ topic: "t" });
    expect(found.map(({ producerId, startOffset }) => [producerId, startOffset])).toEqual([
      [10, 5],
      [30, 7],
    ]);
    expect(found[0]).toMatchObject({ topic: "t", partition: 0, coordinatorEpoch: 1 });
  } finally {
    await close();
  }
});
