import { Admin, Client, Producer } from "@tarpan/client";
import { decompress } from "@tarpan/codecs";
import { decodeBatches, Fetch } from "@tarpan/protocol";
import { expect } from "vitest";
import type { Cluster } from "../harness/cluster.ts";
import type { ClusterNode } from "../harness/cluster-node.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { Progress } from "./clients/client-under-test.ts";
import { kafkajs } from "./load/kafkajs-client.ts";

const TOPIC = "read-nearby";
const RECORDS = 200;
const FETCH_VERSION = 12;
const NO_REPLICA = -1;
const SETTLE_LIMIT_MS = 30_000;
const rackOf = (nodeId: number) => `rack-${nodeId}`;
const values = Array.from({ length: RECORDS }, (_, index) => `record ${index}`);

/** The flags of brokers for `readsFromFollowers`. */
export const followerReadFlags = (nodeId: number): string[] => [
  "--kafka",
  `broker.rack=${rackOf(nodeId)}`,
  "--enable-follower-read",
];

/** KIP-392: a consumer that sends its rack reads from the replica in that rack. */
export async function readsFromFollowers(cluster: Cluster): Promise<void> {
  const leaderId = await produceAll(cluster);
  const leader = cluster.byId(leaderId);
  const follower = cluster.nodes.find((node) => node !== leader)!;
  const there = rackOf(follower.nodeId);

  // The leader names the follower once it knows that the follower is in sync.
  const preferred = async () => (await fetchFrom(leader, there)).preferredReadReplica;
  await expect.poll(preferred, { timeout: SETTLE_LIMIT_MS }).toBe(follower.nodeId);
  const here = await fetchFrom(leader, rackOf(leaderId));
  expect(here.preferredReadReplica).toBe(NO_REPLICA);
  const nearby = async () => (await fetchFrom(follower, there)).read;
  await expect.poll(nearby, { timeout: SETTLE_LIMIT_MS }).toEqual(values);

  const consumer = kafkajs(cluster, "nearby").consumer({ groupId: "nearby", rackId: there });
  const asked = new Set<string>();
  const progress = new Progress("the follower's consumer");
  consumer.on(consumer.events.FETCH, ({ payload }) => asked.add(String(payload.nodeId)));
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => progress.add(message.value!.toString()),
  });
  await progress.has(values);
  await consumer.disconnect();
  expect(progress.values).toEqual(values);
  expect(asked).toContain(String(follower.nodeId));
}

/** Fills one partition with a replica on every broker; resolves to its leader's id. */
async function produceAll({ bootstrap, nodes }: Cluster): Promise<number> {
  const client = new Client({ bootstrap });
  const admin = new Admin(client);
  await admin.createTopic({ name: TOPIC, partitions: 1, replicas: nodes.length });
  const producer = new Producer(client);
  await producer.sendBatch(values.map((value) => ({ topic: TOPIC, partition: 0, value })));
  await producer.close();
  const { leader } = (await admin.describeTopic(TOPIC)).partitions[0]!;
  await client.close();
  return leader;
}

async function fetchFrom(node: ClusterNode, rackId: string) {
  const { host, port } = node.broker;
  const connection = await RawConnection.open(port, host);
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }];
  const answer = await connection.request(Fetch, FETCH_VERSION, {
    maxWaitMs: 100,
    minBytes: 1,
    rackId,
    sessionEpoch: -1,
    topics: [{ topic: TOPIC, partitions }],
    forgottenTopicsData: [],
  });
  connection.close();
  const { errorCode, preferredReadReplica, records } = answer.responses[0]!.partitions[0]!;
  const batches = decodeBatches(records ?? new Uint8Array(), { decompress });
  const read = [...batches].flatMap((batch) =>
    [...batch.records()].map(({ value }) => Buffer.from(value!).toString()),
  );
  return { errorCode, preferredReadReplica, read };
}
