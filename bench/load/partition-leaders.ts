import { setTimeout as sleep } from "node:timers/promises";
import { Metadata } from "@tarpan/protocol";
import { Connection } from "../connection.ts";

const VERSION = 12;
const RETRY_MS = 50;
const LIMIT_MS = 120_000;

export interface Leader {
  readonly nodeId: number;
  readonly port: number;
}

/** The leader of each partition of a topic, from one broker's metadata; null for none. */
export async function leadersNow(
  connection: Connection,
  topic: string,
): Promise<readonly (Leader | null)[]> {
  const request = { topics: [{ name: topic }], allowAutoTopicCreation: false };
  const { brokers, topics } = await connection.request(Metadata, VERSION, request);
  const portOf = new Map(brokers.map(({ nodeId, port }) => [nodeId, port]));
  const leaders: (Leader | null)[] = [];
  for (const { partitionIndex, leaderId } of topics[0]?.partitions ?? []) {
    const port = portOf.get(leaderId);
    leaders[partitionIndex] = port === undefined ? null : { nodeId: leaderId, port };
  }
  return leaders;
}

/**
 * The port of the controller, or of the broker that Metadata names as such, once a cluster of
 * `brokerCount` brokers has one.
 */
export async function controllerPort(port: number, brokerCount: number): Promise<number> {
  const connection = await Connection.open(port);
  const limitMs = performance.now() + LIMIT_MS;
  try {
    for (;;) {
      const { brokers, controllerId } = await connection.request(Metadata, VERSION, { topics: [] });
      const controller = brokers.find(({ nodeId }) => nodeId === controllerId);
      if (controller !== undefined && brokers.length >= brokerCount) return controller.port;
      if (performance.now() > limitMs)
        throw new Error(`${brokers.length} of ${brokerCount} brokers, controller ${controllerId}`);
      await sleep(RETRY_MS);
    }
  } finally {
    connection.close();
  }
}

/** Resolves when every partition has a leader. */
export async function partitionLeaders(
  port: number,
  topic: string,
  partitions: number,
): Promise<readonly Leader[]> {
  const connection = await Connection.open(port);
  const limitMs = performance.now() + LIMIT_MS;
  try {
    for (;;) {
      const leaders = await leadersNow(connection, topic);
      const known = leaders.filter((leader) => leader !== null);
      if (known.length === partitions) return known;
      if (performance.now() > limitMs) throw new Error(`${topic} has partitions without a leader`);
      await sleep(RETRY_MS);
    }
  } finally {
    connection.close();
  }
}
