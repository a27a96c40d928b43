import { BrokerProcess, type BrokerProcessOptions } from "./broker-process.ts";
import { processesNaming, remaining, signal } from "./cluster-processes.ts";

/** The fields of `/cluster/status` that tests use. */
export interface ClusterStatus {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly controllerId: number;
  readonly brokers: readonly { readonly nodeId: number; readonly fenced?: boolean }[];
  readonly [more: string]: unknown;
}

export type Part = "broker" | "engine" | "both";

const STATUS_LIMIT_MS = 3_000;
const GONE_LIMIT_MS = 10_000;

export interface ClusterNodeOptions extends BrokerProcessOptions {
  readonly nodeId: number;
  readonly dataDirectory: string;
  readonly port: number;
  /** The address for the other nodes. */
  readonly raftAddress: string;
}

/** A broker of a cluster, and the nats-server that it runs. */
export class ClusterNode {
  readonly nodeId: number;
  readonly raftAddress: string;
  readonly dataDirectory: string;
  readonly broker: BrokerProcess;

  constructor(options: ClusterNodeOptions) {
    const { nodeId, raftAddress, dataDirectory, flags = [] } = options;
    this.nodeId = nodeId;
    this.raftAddress = raftAddress;
    this.dataDirectory = dataDirectory;
    const own = ["--node-id", String(nodeId), "--raft-addr", raftAddress];
    this.broker = new BrokerProcess({ ...options, flags: [...own, ...flags] });
  }

  get bootstrap(): string {
    return this.broker.bootstrap;
  }

  get running(): boolean {
    return this.broker.running;
  }

  /** The process id of its nats-server itself, not of a wrapper. */
  get enginePids(): number[] {
    return processesNaming(this.dataDirectory)
      .filter(({ program }) => program.startsWith("nats-server"))
      .map(({ pid }) => pid);
  }

  start(): Promise<void> {
    return this.broker.start();
  }

  stop(): Promise<number | null> {
    return this.broker.stop();
  }

  /** Kills the broker, its nats-server, or both. Without its broker a nats-server must end too. */
  async kill9(part: Part = "both"): Promise<void> {
    const engines = part === "broker" ? [] : this.enginePids;
    const ended = part === "engine" ? null : this.broker.kill9();
    for (const pid of engines) signal(pid, "SIGKILL");
    await ended;
  }

  /** Suspends its processes: they keep their state and connections, but answer nothing. */
  pause(part: Part = "both"): void {
    this.#signal(part, "SIGSTOP");
  }

  resume(part: Part = "both"): void {
    this.#signal(part, "SIGCONT");
  }

  /** Kills both processes if they run, and starts the broker, which starts its nats-server. */
  async restart(): Promise<void> {
    await this.kill9();
    await this.start();
  }

  /** Rejects when it does not answer. */
  async status(): Promise<ClusterStatus> {
    const answer = await fetch(`http://${this.bootstrap}/cluster/status`, {
      signal: AbortSignal.timeout(STATUS_LIMIT_MS),
    });
    if (!answer.ok) throw new Error(`/cluster/status of ${this.nodeId}: ${answer.status}`);
    return (await answer.json()) as ClusterStatus;
  }

  /** Rejects if a process of this node is still running. */
  async expectGone(): Promise<void> {
    const left = await remaining(this.dataDirectory, GONE_LIMIT_MS);
    if (left.length === 0) return;
    for (const { pid } of left) signal(pid, "SIGKILL");
    const lines = left.map(({ pid, commandLine }) => `${pid} ${commandLine}`);
    throw new Error(`processes of broker ${this.nodeId} are left:\n${lines.join("\n")}`);
  }

  #signal(part: Part, name: NodeJS.Signals): void {
    if (part !== "engine" && this.running) signal(this.broker.pid, name);
    if (part !== "broker") for (const pid of this.enginePids) signal(pid, name);
  }
}
