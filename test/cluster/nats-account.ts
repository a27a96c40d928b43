import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { ClusterNode } from "../harness/cluster-node.ts";

/** Connects to a broker's nats-server as the broker, with the password in its configuration. */
export async function connectTo(node: ClusterNode): Promise<NatsConnection> {
  const path = join(node.dataDirectory, "nats", "nats-server.conf");
  const text = await readFile(path, "utf8");
  const servers = /^listen: "([^"]+)"/m.exec(text)![1]!;
  const account = /TARPAN \{.*user: "([^"]+)", password: "([^"]+)"/.exec(text)!;
  const [, user, pass] = account as unknown as [string, string, string];
  return connect({ servers, user, pass });
}

/** Names of the streams that hold a topic's partition; normally there is one. */
export async function streamsOf(nats: NatsConnection, topic: string, partition: number) {
  const manager = await jetstreamManager(nats);
  const names: string[] = [];
  for await (const { config } of manager.streams.list()) {
    const metadata = config.metadata ?? {};
    if (metadata["tarpan.topic"] === topic && metadata["tarpan.partition"] === String(partition))
      names.push(config.name);
  }
  return names;
}

export async function deleteStream(nats: NatsConnection, name: string): Promise<void> {
  await (await jetstreamManager(nats)).streams.delete(name);
}
