import { setTimeout as sleep } from "node:timers/promises";
import { ApiVersions, CreateTopics, ErrorCode, errorOf } from "@tarpan/protocol";
import type { Connection } from "../connection.ts";
import type { ServerProcess } from "./process.ts";

export type Flush = "always" | "never";
/** Kafka's broker configs, by name. */
export type Configs = Readonly<Record<string, string>>;

/** A broker that can be measured. `never` stands for what the broker does when it need not sync. */
export interface Target {
  readonly name: "tarpan" | "kafka";
  /** What must be done once before a broker starts on a new directory. */
  prepare?(directory: string): Promise<void>;
  start(directory: string, flush: Flush, configs?: Configs): Promise<ServerProcess>;
}

const RETRY_MS = 5;
const READY_LIMIT_MS = 30_000;

/** Resolves once the broker serves: it answers ApiVersions. */
export async function connected(server: ServerProcess): Promise<Connection> {
  const connection = await server.connect();
  await connection.request(ApiVersions, 3, {
    clientSoftwareName: "bench",
    clientSoftwareVersion: "1",
  });
  return connection;
}

/** Creates a topic, again and again while the broker says that it is not ready for it. */
export async function createTopic(
  connection: Connection,
  name: string,
  numPartitions: number,
): Promise<void> {
  const limitMs = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await connection.request(CreateTopics, 7, { topics: [topic] });
    const { errorCode, errorMessage } = topics[0]!;
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return;
    if (!errorOf(errorCode).retriable || performance.now() > limitMs)
      throw new Error(`CreateTopics ${name}: ${errorCode} ${errorMessage}`);
    await sleep(RETRY_MS);
  }
}
