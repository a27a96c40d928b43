import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, onTestFailed, onTestFinished } from "vitest";
import { engineEnv, engineFlags, hasEngine } from "./cluster-engine.ts";
import type { Host } from "./cluster-network.ts";
import { ClusterNode } from "./cluster-node.ts";
import { freePorts } from "./free-ports.ts";
import { temporaryDirectory } from "./temp.ts";

const START_LIMIT_MS = 60_000;
const SETTLE_LIMIT_MS = 60_000;
const CHECK_PAUSE_MS = 100;
const OUTPUT_SHOWN = 6_000;

export interface ClusterOptions {
  /** Default: 3. */
  readonly brokers?: number;
  /** More flags for each broker, which listens on this port. */
  flags?(nodeId: number, port: number): readonly string[];
  /** What the brokers run at first. Default: see BrokerProcess. */
  readonly program?: string;
  /** How brokers find each other. Default: each gets the addresses of all. */
  readonly etcd?: readonly string[];
  /** A host for each broker. Default: all on this machine. */
  readonly hosts?: readonly Host[];
}

/** Tests add all members at once, so a new group need not wait for more. */
const FLAGS = ["--kafka", "group.initial.rebalance.delay.ms=100"];

/** Brokers as users run them, each with its nats-server. Nodes are numbered from 0. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly nodes: ClusterNode[] = [];
  /** The number of nodes that were ever added. */
  #places = 0;
  #root = "";

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
  }

  /** The addresses of all nodes, running or not. */
  get bootstrap(): string[] {
    return this.nodes.map(({ bootstrap }) => bootstrap);
  }

  node(index: number): ClusterNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** By Kafka's broker id. */
  byId(nodeId: number): ClusterNode {
    return this.node(this.nodes.findIndex((node) => node.nodeId === nodeId));
  }

  /** Resolves once all serve and know each other. */
  async start(): Promise<void> {
    const { brokers = 3 } = this.#options;
    this.#root = await temporaryDirectory();
    const places = await Promise.all(Array.from({ length: brokers }, () => this.#place()));
    for (const place of places)
      this.nodes.push(
        this.#node(
          place,
          places.map(({ raftAddress }) => raftAddress),
        ),
      );
    await this.startAll();
  }

  /** Starts all stopped nodes at once: a broker is ready only when most of them run. */
  async startAll(): Promise<void> {
    await Promise.all(this.nodes.filter(({ running }) => !running).map((node) => node.start()));
    await this.settled();
  }

  /** Adds a broker, with the addresses of all others. */
  async add(): Promise<ClusterNode> {
    const place = await this.#place();
    const known = this.nodes.map(({ raftAddress }) => raftAddress);
    const node = this.#node(place, [...known, place.raftAddress]);
    this.nodes.push(node);
    await node.start();
    await this.settled();
    return node;
  }

  /** Forgets a node that has left for good and does not run. */
  forget(node: ClusterNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** Resolves once every running broker sees exactly the running ones alive, and one controller. */
  async settled(limitMs = SETTLE_LIMIT_MS): Promise<void> {
    const limit = performance.now() + limitMs;
    for (;;) {
      const wrong = await this.#unsettled();
      if (wrong === null) return;
      if (performance.now() > limit)
        throw new Error(`not settled within ${limitMs} ms: ${wrong}\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, CHECK_PAUSE_MS));
    }
  }

  /** Asks all to stop at once; resolves to their exit codes. */
  stop(): Promise<(number | null)[]> {
    return Promise.all(this.nodes.map((node) => node.stop()));
  }

  /** Stops everything, and fails if a process of this cluster still runs. */
  async end(): Promise<void> {
    for (const node of this.nodes) node.resume();
    await Promise.all(this.nodes.map((node) => node.kill9("broker")));
    for (const node of this.nodes) await node.expectGone();
  }

  /** The end of all brokers' output. */
  get output(): string {
    return this.nodes
      .map(({ nodeId, broker }) => `broker ${nodeId} wrote:\n${broker.output.slice(-OUTPUT_SHOWN)}`)
      .join("\n");
  }

  async #place(): Promise<Place> {
    const index = this.#places++;
    const host = this.#options.hosts?.[index];
    const nodeId = index + 1;
    if (host === undefined) {
      const [port, raftPort] = (await freePorts(2)) as [number, number];
      return { nodeId, port, raftAddress: `127.0.0.1:${raftPort}`, host: null };
    }
    return { nodeId, port: 9092, raftAddress: `${host.raftAddress}:7001`, host };
  }

  #node({ nodeId, port, raftAddress, host }: Place, peers: readonly string[]): ClusterNode {
    const { etcd, program } = this.#options;
    const flags = this.#options.flags?.(nodeId, port) ?? [];
    const discovery =
      etcd === undefined
        ? ["--cluster-peers", peers.join(",")]
        : ["--discovery-type", "etcd", "--discovery-endpoints", etcd.join(",")];
    return new ClusterNode({
      nodeId,
      port,
      raftAddress,
      dataDirectory: join(this.#root, `broker-${nodeId}`),
      flags: [...discovery, ...engineFlags, ...FLAGS, ...flags],
      env: engineEnv,
      startLimitMs: START_LIMIT_MS,
      ...(program === undefined ? {} : { program }),
      ...(host === null ? {} : { host: host.clientAddress, launcher: host.launcher }),
    });
  }

  async #unsettled(): Promise<string | null> {
    const running = this.nodes.filter((node) => node.running);
    const expected = running.map(({ nodeId }) => nodeId);
    const controllers = new Set<number>();
    for (const node of running) {
      try {
        const { brokers, controllerId } = await node.status();
        const alive = brokers.filter(({ fenced }) => fenced !== true).map(({ nodeId }) => nodeId);
        if (String(alive.sort((a, b) => a - b)) !== String(expected))
          return `broker ${node.nodeId} sees ${alive} alive, not ${expected}`;
        controllers.add(controllerId);
      } catch (error) {
        return `broker ${node.nodeId}: ${(error as Error).message}`;
      }
    }
    const [controller] = controllers;
    if (controllers.size === 1 && expected.includes(controller!)) return null;
    return `the controller is ${[...controllers].join(" or ")}`;
  }
}

interface Place {
  readonly nodeId: number;
  readonly port: number;
  readonly raftAddress: string;
  readonly host: Host | null;
}

/**
 * A cluster for all tests of a file, if there is a nats-server. Failures show its output.
 */
export function useCluster(options: ClusterOptions = {}): Cluster {
  const cluster = new Cluster(options);
  beforeAll(async () => {
    if (hasEngine) await cluster.start();
  }, START_LIMIT_MS + SETTLE_LIMIT_MS);
  afterEach(({ task }) => {
    expectNoBugs(cluster);
    if (task.result?.state === "fail") console.error(cluster.output);
  });
  afterAll(() => cluster.end());
  return cluster;
}

/** A cluster for the calling test, not started yet. */
export function clusterOfTest(options: ClusterOptions): Cluster {
  const cluster = new Cluster(options);
  onTestFailed(() => console.error(cluster.output));
  onTestFinished(async () => {
    await cluster.end();
    expectNoBugs(cluster);
  });
  return cluster;
}

function expectNoBugs({ nodes }: Cluster): void {
  for (const { broker } of nodes) expect(broker.bugs, broker.output).toEqual([]);
}
