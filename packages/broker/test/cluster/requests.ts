// A client's requests to a simulated cluster.
import {
  type Api,
  decodeResponse,
  ErrorCode,
  encodeRequest,
  type Fields,
  type Input,
  type Output,
  readBatchHeader,
} from "@tarpan/protocol";
import { expect } from "vitest";
import type { PartitionImage } from "../../src/metadata/image.ts";
import type { AppendOutcome } from "../../src/partition/append-outcome.ts";
import type { Partition } from "../../src/partition/partition.ts";
import { batchOf } from "../log/batches.ts";
import { createTopics } from "../metadata/ask.ts";
import { ClusterWorld } from "./cluster-world.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

export async function settledWorld(brokers = 3): Promise<ClusterWorld> {
  const world = await ClusterWorld.started({ brokers });
  await world.settled();
  return world;
}

export async function create(
  world: ClusterWorld,
  name: string,
  numPartitions: number,
  replicationFactor: number,
  broker = world.bystander,
): Promise<void> {
  const spec = { name, numPartitions, replicationFactor, assignments: [], configs: [] };
  const [created] = await world.run(createTopics(broker.member.metadata, [spec]));
  expect(created!.errorCode).toBe(ErrorCode.NONE);
}

/** Appends a batch; resolves to the error code. */
export function append(partition: Partition, id = 1): Promise<AppendOutcome> {
  const batch = batchOf(id);
  return partition.append(batch, readBatchHeader(batch));
}

/** Appends one batch at the partition's leader, once there is one. */
export async function produce(world: ClusterWorld, name: string, index = 0): Promise<void> {
  const leader = () => world.serving.find((one) => one.partition(name, index) !== null);
  await world.until(`${name}-${index} is led`, () => leader() !== undefined);
  const outcome = await world.run(append(leader()!.partition(name, index)!));
  expect(outcome.errorCode).toBe(ErrorCode.NONE);
}

/** The partition in the metadata of the first broker that serves. */
export function imageOf(world: ClusterWorld, topic: string, index = 0): PartitionImage {
  return world.serving[0]!.member.metadata.image.topics.get(topic)!.partitions[index]!;
}

/** Sends a request, as a client of that broker does. */
export async function call<Q extends Fields, S extends Fields>(
  broker: SimulatedBroker,
  api: Api<Q, S>,
  version: number,
  request: Input<Q>,
): Promise<Output<S>> {
  const header = { correlationId: 7, clientId: "test" };
  const { listener } = broker.life!;
  const answer = await listener!.send(encodeRequest(api, version, header, request));
  return decodeResponse(api, version, answer!).body;
}
