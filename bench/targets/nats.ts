// Three bare nats-servers as one JetStream cluster, on files, with one replicated stream per
// partition: the engine of Tarpan's cluster, without Tarpan.

import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { freePort, ServerProcess } from "./process.ts";

const RETRY_MS = 50;
const READY_LIMIT_MS = 60_000;
const REPLICAS = 3;
/** How many streams are created at a time, as by a broker. */
const CREATES_AT_ONCE = 16;
const REQUEST_LIMIT_MS = 30_000;

/** Where `npm test` builds a nats-server. */
const BUILT = fileURLToPath(new URL("../../../.peers/nats-server/nats-server", import.meta.url));

/** The nats-server to measure, which brokers run too; null if there is none. */
export function findNatsServer(): string | null {
  const given = process.env.TARPAN_NATS_SERVER;
  for (const program of given === undefined ? ["nats-server", BUILT] : [given]) {
    if (spawnSync(program, ["-v"]).status !== 0) continue;
    if (program === BUILT) process.env.TARPAN_NATS_SERVER = program;
    return program;
  }
  return null;
}

export interface Stream {
  readonly subject: string;
  /** The address of its Raft leader, `nats://host:port`. */
  readonly url: string;
}

interface Node {
  readonly name: string;
  readonly url: string;
  readonly configFile: string;
  readonly port: number;
  server: ServerProcess;
}

export class BareJetStream {
  readonly #program: string;
  readonly #nodes: readonly Node[];

  private constructor(program: string, nodes: readonly Node[]) {
    this.#program = program;
    this.#nodes = nodes;
  }

  /** Resolves when it accepts requests. `syncInterval` is NATS's: `always`, or a duration. */
  static async start(directory: string, syncInterval: string): Promise<BareJetStream> {
    const program = findNatsServer();
    if (program === null) throw new Error("There is no nats-server.");
    const routePorts: number[] = [];
    for (let i = 0; i < REPLICAS; i++) routePorts.push(await freePort());
    const nodes: Node[] = [];
    for (const [i, routePort] of routePorts.entries()) {
      const own = join(directory, `nats-${i}`);
      await mkdir(own, { recursive: true });
      const port = await freePort();
      const name = `bench-${i}`;
      const configFile = join(own, "nats-server.conf");
      const routes = routePorts.map((other) => `nats://127.0.0.1:${other}`);
      const config = configText({ name, port, routePort, routes, own, syncInterval });
      await writeFile(configFile, config);
      const server = new ServerProcess(port, program, ["-c", configFile]);
      nodes.push({ name, url: `nats://127.0.0.1:${port}`, configFile, port, server });
    }
    const cluster = new BareJetStream(program, nodes);
    for (const { server } of nodes) (await server.connect()).close();
    await cluster.#manage(async (manager) => {
      await untilDone("JetStream is not ready", () => manager.getAccountInfo());
    });
    return cluster;
  }

  /** Creates a stream per partition; resolves when each has a leader. */
  async createStreams(topic: string, partitions: number): Promise<void> {
    await this.#manage(async (manager) => {
      const left = Array.from({ length: partitions }, (_, partition) => partition);
      const create = async () => {
        for (let partition = left.shift(); partition !== undefined; partition = left.shift()) {
          const name = `${topic}-${partition}`;
          const stream = { name, subjects: [subjectOf(topic, partition)], num_replicas: REPLICAS };
          const config = { ...stream, storage: StorageType.File, allow_direct: true };
          await untilDone(`Stream ${name}`, () => manager.streams.add(config));
        }
      };
      await Promise.all(Array.from({ length: CREATES_AT_ONCE }, create));
    });
    await this.streams(topic, partitions);
  }

  async streams(topic: string, partitions: number): Promise<readonly Stream[]> {
    return this.#manage(async (manager) => {
      const streams: Stream[] = [];
      for (let partition = 0; partition < partitions; partition++) {
        const leader = await untilDone(`${topic}-${partition}`, async () => {
          const { cluster } = await manager.streams.info(`${topic}-${partition}`);
          return this.#nodes.find(({ name }) => name === cluster?.leader);
        });
        streams.push({ subject: subjectOf(topic, partition), url: leader.url });
      }
      return streams;
    });
  }

  get urls(): readonly string[] {
    return this.#nodes.map(({ url }) => url);
  }

  async kill(url: string): Promise<void> {
    await this.#nodeAt(url).server.kill();
  }

  restart(url: string): void {
    const node = this.#nodeAt(url);
    node.server = new ServerProcess(node.port, this.#program, ["-c", node.configFile]);
  }

  async stop(): Promise<void> {
    // Killed, not stopped: a server that is stopped hands its leaderships over first, which is
    // slow.
    for (const { server } of this.#nodes) await server.kill();
  }

  /** The end of the servers' output, for an error message. */
  get output(): string {
    return this.#nodes.map(({ server }) => server.output).join("\n");
  }

  #nodeAt(url: string): Node {
    return this.#nodes.find((node) => node.url === url)!;
  }

  async #manage<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
    const connection = await connect({ servers: [...this.urls] });
    try {
      const options = { timeout: REQUEST_LIMIT_MS, checkAPI: false };
      return await work(await jetstreamManager(connection, options));
    } finally {
      await connection.close();
    }
  }
}

const subjectOf = (topic: string, partition: number) => `bench.${topic}.${partition}`;

/** Retries while the call fails or returns nothing: the servers may be electing. */
async function untilDone<T>(what: string, run: () => Promise<T | undefined>): Promise<T> {
  const limitMs = performance.now() + READY_LIMIT_MS;
  for (;;) {
    try {
      const result = await run();
      if (result !== undefined) return result;
      if (performance.now() > limitMs) throw new Error("no leader");
    } catch (error) {
      if (performance.now() > limitMs) throw new Error(`${what}: ${(error as Error).message}`);
    }
    await sleep(RETRY_MS);
  }
}

interface ConfigParts {
  readonly name: string;
  readonly port: number;
  readonly routePort: number;
  readonly routes: readonly string[];
  readonly own: string;
  readonly syncInterval: string;
}

/** The settings that affect speed, as Tarpan sets them for its own nats-servers. */
function configText({ name, port, routePort, routes, own, syncInterval }: ConfigParts): string {
  return `server_name: ${name}
listen: "127.0.0.1:${port}"
max_payload: 8MB
max_pending: 64MB
jetstream { store_dir: "${own}", sync_interval: "${syncInterval}" }
cluster {
  name: bench
  listen: "127.0.0.1:${routePort}"
  routes: [${routes.map((route) => JSON.stringify(route)).join(", ")}]
}
`;
}
