import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { ClusterNode } from "../harness/cluster-node.ts";

/** Into a broker's nats-server as the broker itself, by the configuration that it wrote. */
export async function connectTo(node: ClusterNode): Promise<NatsConnection> {
  const path = join(node.dataDirectory, "nats", "nats-server.conf");
  const text = await readFile(path, "utf8");
  const servers = /^listen: "([^"]+)"/m.exec(text)![1]!;
  const account = /TARPAN \{.*user: "([^"]+)", password: "([^"]+)"/.exec(text)!;
  const [, user, pass] = account as unknown as [string, string, string];
  return connect({ servers, user, pass });
}

/** Names of the streams that hold a topic's partition; one, where all is well. */
export async function streamsOf(nats: NatsConnection, topic: string, partition: number) {
  const manager = await jetstreamManager(nats);
  const names: string[] = [];
  for await (const { config } of manager.streams.list()) {
    const said = config.metadata ?? {};
    if (said["tarpan.topic"] === topic && said["tarpan.partition"] === String(partition))
      names.push(config.name);
  }
  return names;
}

export async function deleteStream(nats: NatsConnection, name: string): Promise<void> {
  await (await jetstreamManager(nats)).streams.delete(name);
}
