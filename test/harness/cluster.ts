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
  /** 3 when left out. */
  readonly brokers?: number;
  /** More flags for each broker. */
  flags?(nodeId: number): readonly string[];
  /** How brokers find each other; by the addresses of all, told to each, when left out. */
  readonly etcd?: readonly string[];
  /** A host for each broker; all of them are on this one when left out. */
  readonly hosts?: readonly Host[];
}

/** A group need not wait for members that tests add at once. */
const FLAGS = ["--kafka", "group.initial.rebalance.delay.ms=100"];

/** Brokers as users run them, each with its nats-server, on this machine. Nodes count from 0. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly nodes: ClusterNode[] = [];
  /** Places given to nodes, also to those that have left. */
  #places = 0;
  #root = "";

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
  }

  /** Of all nodes, running or not. */
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

  /** Resolves once all serve and know of each other. */
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

  /** Starts what does not run, at once: none may be ready before most of them are there. */
  async startAll(): Promise<void> {
    await Promise.all(this.nodes.filter(({ running }) => !running).map((node) => node.start()));
    await this.settled();
  }

  /** One more broker, told of all the others. */
  async add(): Promise<ClusterNode> {
    const place = await this.#place();
    const known = this.nodes.map(({ raftAddress }) => raftAddress);
    const node = this.#node(place, [...known, place.raftAddress]);
    this.nodes.push(node);
    await node.start();
    await this.settled();
    return node;
  }

  /** A node that has left for good, and does not run. */
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

  /** Ends what runs, and fails when any process of this cluster outlives its broker. */
  async end(): Promise<void> {
    for (const node of this.nodes) node.resume();
    await Promise.all(this.nodes.map((node) => node.kill9("broker")));
    for (const node of this.nodes) await node.expectGone();
  }

  /** What the brokers wrote last. */
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
    const { etcd } = this.#options;
    const flags = this.#options.flags?.(nodeId) ?? [];
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
 * A cluster for all tests of a file, if there is a nats-server. Its output is shown with failures.
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

/** A cluster for the test that calls it, not yet started. */
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
  for (const { broker } of nodes) expect(broker.bugs, broker.output).toBe(0);
}
