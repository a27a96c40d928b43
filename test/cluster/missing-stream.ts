import { Admin, Client } from "@tarpan/client";
import { ErrorCode } from "@tarpan/protocol";
import { expect } from "vitest";
import type { Cluster } from "../harness/cluster.ts";
import type { RawConnection } from "../harness/raw-connection.ts";
import { fetch, produce, textBatch } from "../harness/records.ts";
import { isLong } from "./chaos.ts";
import { leaderConnection } from "./load/final-read.ts";
import { connectTo, deleteStream, streamsOf } from "./nats-account.ts";

const TOPIC = "half-gone";
const PARTITIONS = [0, 1, 2];
const LOST = 1;
const LIMIT_MS = 60_000;

/**
 * A partition whose stream was deleted without the brokers answers KAFKA_STORAGE_ERROR, at once and
 * after a restart of all brokers. The others go on, and no new stream is created.
 */
export async function missesNoStreamSilently(cluster: Cluster): Promise<void> {
  const { bootstrap } = cluster;
  await makeTopic(cluster);
  for (const partition of PARTITIONS) await answers(bootstrap, partition, ErrorCode.NONE);
  const nats = await connectTo(cluster.node(0));
  const [stream] = await streamsOf(nats, TOPIC, LOST);
  await deleteStream(nats, stream!);
  await nats.close();

  const allAnswer = async () => {
    for (const partition of PARTITIONS) {
      const isLost = partition === LOST;
      await answers(bootstrap, partition, isLost ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE);
    }
  };
  // A leader that has the log open must notice this, and one that opens it later too.
  if (isLong) await allAnswer();
  await cluster.stop();
  await cluster.startAll();
  await allAnswer();
  const after = await connectTo(cluster.node(0));
  expect(await streamsOf(after, TOPIC, LOST)).toEqual([]);
  await after.close();
}

async function makeTopic({ bootstrap, nodes }: Cluster): Promise<void> {
  const client = new Client({ bootstrap });
  const topic = { name: TOPIC, partitions: PARTITIONS.length, replicas: nodes.length };
  await new Admin(client).createTopic(topic);
  await client.close();
}

/** Waits until Produce is answered with this error code, and checks that Fetch is too. */
async function answers(
  bootstrap: readonly string[],
  partition: number,
  errorCode: number,
): Promise<void> {
  const ask = async (request: (leader: RawConnection) => Promise<{ errorCode: number }>) => {
    const leader = await leaderConnection(bootstrap, TOPIC, partition);
    return (await request(leader).finally(() => leader.close())).errorCode;
  };
  const produced = () =>
    ask((leader) => produce(leader, TOPIC, textBatch("a record"), { partition })).catch(String);
  await expect.poll(produced, { timeout: LIMIT_MS }).toBe(errorCode);
  expect(await ask((leader) => fetch(leader, TOPIC, 0, { partition }))).toBe(errorCode);
}
