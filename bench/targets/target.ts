import { setTimeout as sleep } from "node:timers/promises";
import { ApiVersions, CreateTopics, ErrorCode, errorOf, ListOffsets } from "@tarpan/protocol";
import type { Connection } from "../connection.ts";
import type { ClusterNode } from "./cluster.ts";
import type { ServerProcess } from "./process.ts";

export type Flush = "always" | "never";
/** Kafka's broker configs, by name. */
export type Configs = Readonly<Record<string, string>>;

/** A listener beside the one of PLAINTEXT. */
export interface SecondListener {
  readonly protocol: "SSL" | "SASL_PLAINTEXT";
  readonly port: number;
}

/** A broker that can be measured. `never` means that the broker need not sync. */
export interface Target {
  readonly name: "tarpan" | "kafka";
  /** Prepares a new directory, once, before a broker starts on it. */
  prepare?(directory: string): Promise<void>;
  start(
    directory: string,
    flush: Flush,
    configs?: Configs,
    second?: SecondListener,
  ): Promise<ServerProcess>;
  /** Starts a cluster of this many brokers, with ids from 1 on, in a new directory. */
  startCluster(directory: string, flush: Flush, brokers: number): Promise<readonly ClusterNode[]>;
}

const RETRY_MS = 5;
const READY_LIMIT_MS = 120_000;
const LIST_OFFSETS_VERSION = 7;
const LATEST = -1n;

/** Resolves once the broker serves: it answers ApiVersions. */
export async function connected(server: ServerProcess): Promise<Connection> {
  const connection = await server.connect();
  await connection.request(ApiVersions, 3, {
    clientSoftwareName: "bench",
    clientSoftwareVersion: "1",
  });
  return connection;
}

/** Creates a topic, and waits until the broker leads it: Kafka answers NOT_LEADER for a while. */
export async function createTopicOn(
  server: ServerProcess,
  name: string,
  numPartitions: number,
): Promise<void> {
  const connection = await connected(server);
  await createTopic(connection, name, numPartitions);
  const partitions = Array.from({ length: numPartitions }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: LATEST,
  }));
  const limitMs = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] };
    const { topics } = await connection.request(ListOffsets, LIST_OFFSETS_VERSION, request);
    const errors = topics[0]!.partitions.map(({ errorCode }) => errorCode);
    const error = errors.find((errorCode) => errorCode !== ErrorCode.NONE);
    if (error === undefined) break;
    if (!errorOf(error).retriable || performance.now() > limitMs)
      throw new Error(`ListOffsets ${name}: ${error}`);
    await sleep(RETRY_MS);
  }
  connection.close();
}

/** Creates a topic, and retries while the broker is not ready for it. */
export async function createTopic(
  connection: Connection,
  name: string,
  numPartitions: number,
  replicationFactor = 1,
): Promise<void> {
  const limitMs = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const topic = { name, numPartitions, replicationFactor, assignments: [], configs: [] };
    const request = { topics: [topic], timeoutMs: READY_LIMIT_MS };
    const { topics } = await connection.request(CreateTopics, 7, request);
    const { errorCode, errorMessage } = topics[0]!;
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return;
    if (!errorOf(errorCode).retriable || performance.now() > limitMs)
      throw new Error(`CreateTopics ${name}: ${errorCode} ${errorMessage}`);
    await sleep(RETRY_MS);
  }
}
