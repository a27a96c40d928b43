// What a client asks of a simulated cluster.
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
import { FetchSessions } from "../../src/fetch/fetch-sessions.ts";
import { handlers } from "../../src/handlers/index.ts";
import { HandlerRouter } from "../../src/handlers/request-router.ts";
import { silentLogger } from "../../src/logging/logger.ts";
import type { PartitionImage } from "../../src/metadata/image.ts";
import { RequestMetrics } from "../../src/metrics/request-metrics.ts";
import type { AppendOutcome, Partition } from "../../src/partition/partition.ts";
import { allowAll } from "../../src/security/authorizer.ts";
import { batchOf } from "../log/batches.ts";
import { ClusterWorld } from "./cluster-world.ts";
import type { Life, SimulatedBroker } from "./simulated-broker.ts";

const LENGTH_BYTES = 4;
const routers = new WeakMap<Life, HandlerRouter>();

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
  const [created] = await world.run(broker.member.metadata.createTopics([spec]));
  expect(created!.errorCode).toBe(ErrorCode.NONE);
}

/** Appends a batch; resolves to the error code. */
export function append(partition: Partition, id = 1): Promise<AppendOutcome> {
  const batch = batchOf(id);
  return partition.append(batch, readBatchHeader(batch));
}

/** Appends one batch where the partition is led, once it is. */
export async function produce(world: ClusterWorld, name: string, index = 0): Promise<void> {
  const leader = () => world.serving.find((one) => one.partition(name, index) !== null);
  await world.until(`${name}-${index} is led`, () => leader() !== undefined);
  const outcome = await world.run(append(leader()!.partition(name, index)!));
  expect(outcome.errorCode).toBe(ErrorCode.NONE);
}

/** As the first broker that serves sees it. */
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
  const life = broker.life!;
  const router = routers.get(life) ?? routerOf(life);
  routers.set(life, router);
  const header = { correlationId: 7, clientId: "test" };
  const frame = unframed(encodeRequest(api, version, header, request));
  const answer = await router.accept(frame, CONNECTION).run();
  return decodeResponse(api, version, unframed(answer!)).body;
}

const CONNECTION = {
  id: 1,
  remoteAddress: "127.0.0.1",
  localAddress: "127.0.0.1",
  localPort: 9092,
  signal: new AbortController().signal,
};

function routerOf({ env, settings, member, groups, stopping }: Life): HandlerRouter {
  const { metadata, partitions, controller: clusterAdmin, followers } = member!;
  const broker = {
    ...{ env, settings, metadata, partitions, clusterAdmin, followers },
    replicaStates: () => member!.replicaStates(),
    logger: silentLogger,
    authorizer: allowAll,
    groups: groups!,
    fetchSessions: new FetchSessions(env.clock, env.random, 100),
    stopping: stopping.signal,
  };
  return new HandlerRouter(handlers, broker, new RequestMetrics());
}

function unframed(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks)).subarray(LENGTH_BYTES);
}
