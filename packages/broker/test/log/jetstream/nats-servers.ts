// Real nats-servers for tests: one, or a cluster of three, on free loopback ports.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { natsServer } from "../../../../../test/harness/nats-server.ts";
import type { Placement } from "../../../src/log/jetstream/stream-config.ts";
import { brokerIdOf, serverNameOf, serverTagOf } from "../../../src/nats/names.ts";

export const NO_SERVER = "no nats-server, or one that is too old";

/** Null when there is no nats-server program: the test then skips with NO_SERVER. */
export function natsServerPath(): string | null {
  const { path, old } = natsServer;
  return process.env.TARPAN_NATS_SERVER ?? (old || path === "" ? null : path);
}

export interface NatsServers {
  readonly urls: readonly string[];
  /** Maps brokers 1, 2, … to the servers, as names.ts does. */
  readonly placement: Placement | null;
  connect(): Promise<NatsConnection>;
  /** Kills a server with SIGKILL. */
  kill(brokerId: number): Promise<void>;
  start(brokerId: number): Promise<void>;
  stop(): Promise<void>;
}

interface ServersOptions {
  /** Where each server gets a directory of its own. */
  readonly parent?: string;
  /** NATS's `sync_interval`. */
  readonly syncInterval?: string;
}

/** Tries again with other ports when another process has taken one of them. */
export async function startNatsServers(
  path: string,
  count: 1 | 3,
  options: ServersOptions = {},
): Promise<NatsServers> {
  for (;;) {
    const servers = await startOnce(path, count, options);
    if (servers !== null) return servers;
  }
}

/** Null when one of the servers has ended, because another process has its port. */
async function startOnce(
  path: string,
  count: 1 | 3,
  { parent = tmpdir(), syncInterval = "2m" }: ServersOptions,
): Promise<NatsServers | null> {
  const directory = await mkdtemp(join(parent, "tarpan-nats-"));
  const ports = await freePorts(2 * count);
  const routes = ports.slice(count).map((port) => `"nats://127.0.0.1:${port}"`);
  const processes = new Map<number, ChildProcess>();
  const brokerIds = Array.from({ length: count }, (_, i) => i + 1);
  const urls = ports.slice(0, count).map((port) => `nats://127.0.0.1:${port}`);

  const start = async (brokerId: number) => {
    const config = join(directory, `${brokerId}.conf`);
    const cluster = `cluster { name: tarpan, listen: "127.0.0.1:${ports[count + brokerId - 1]}",
      routes: [${routes.join(", ")}] }`;
    await writeFile(
      config,
      `server_name: "${serverNameOf(brokerId)}"
      listen: "127.0.0.1:${ports[brokerId - 1]}"
      server_tags: ["${serverTagOf(brokerId)}"]
      max_payload: 8MB
      jetstream {
        store_dir: "${join(directory, String(brokerId))}", sync_interval: "${syncInterval}"
      }
      ${count > 1 ? cluster : ""}`,
    );
    processes.set(brokerId, spawn(path, ["-c", config], { stdio: "ignore" }));
  };
  const end = async (brokerId: number) => {
    const server = processes.get(brokerId);
    processes.delete(brokerId);
    if (!server || server.exitCode !== null) return;
    const exited = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGKILL");
    await exited;
  };
  const open = () =>
    connect({
      servers: [...urls],
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      waitOnFirstConnect: true,
    });

  for (const brokerId of brokerIds) await start(brokerId);
  const stop = async () => {
    for (const brokerId of brokerIds) await end(brokerId);
    await rm(directory, { recursive: true, force: true });
  };
  await untilReady(await open(), count);
  if ([...processes.values()].some(({ exitCode }) => exitCode !== null)) {
    await stop();
    return null;
  }
  const placement: Placement = {
    tagOf: serverTagOf,
    serverOf: serverNameOf,
    brokerOf: brokerIdOf,
    brokers: () => brokerIds,
  };
  return {
    urls,
    placement: count > 1 ? placement : null,
    connect: open,
    kill: end,
    start,
    stop,
  };
}

/** Waits for a meta leader, and for all servers to join, so that replicas can be placed. */
async function untilReady(connection: NatsConnection, count: number): Promise<void> {
  const probe = { name: "probe", subjects: ["probe"], num_replicas: count };
  for (;;) {
    const reply = await connection
      .request("$JS.API.STREAM.CREATE.probe", JSON.stringify(probe), { timeout: 1000 })
      .catch(() => null);
    if (reply && !reply.json<{ error?: unknown }>().error) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await connection.request("$JS.API.STREAM.DELETE.probe", "");
  await connection.close();
}

/** Deletes all streams before the next test. */
export async function deleteStreams(connection: NatsConnection): Promise<void> {
  const reply = await connection.request("$JS.API.STREAM.NAMES", "{}", { timeout: 5000 });
  for (const name of reply.json<{ streams?: string[] | null }>().streams ?? [])
    await connection.request(`$JS.API.STREAM.DELETE.${name}`, "", { timeout: 5000 });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
