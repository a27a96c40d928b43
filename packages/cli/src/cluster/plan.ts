// The brokers that `tarpan cluster up` starts: one per process, on consecutive ports.
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Arguments } from "../args/arguments.ts";
import { CommandError, UsageError } from "../terminal/failures.ts";
import { certificateFlags } from "./certificates.ts";

const DEFAULT_BROKERS = 3;
/** With fewer, the cluster would stop when one of them dies. */
const MIN_BROKERS = 3;
const MAX_BROKERS = 9;
const MAX_PORT = 65_535;
const LOOPBACK = "127.0.0.1";
/**
 * The range in which free ports are looked for. Systems use higher ports for outgoing connections,
 * so no connection takes a port before its broker listens, or while the broker is down.
 */
const FREE_PORTS = { from: 10_000, to: 20_000 } as const;

export interface BrokerPlan {
  readonly nodeId: number;
  readonly bindAddress: string;
  readonly bindPort: number;
  readonly raftHost: string;
  readonly raftPort: number;
  readonly dataDirectory: string;
  /** The arguments after `tarpan broker`. */
  readonly flags: readonly string[];
}

export interface ClusterPlan {
  readonly dataDirectory: string;
  readonly brokers: readonly BrokerPlan[];
}

/** Rejects with CommandError when a port is taken. */
export async function planCluster(args: Arguments): Promise<ClusterPlan> {
  for (const name of ["bootstrap", "node-id"])
    if (args.has(name)) throw new UsageError(`cluster up takes no --${name}`);
  const count = args.integer("brokers", MIN_BROKERS, MAX_BROKERS) ?? DEFAULT_BROKERS;
  const bindAddress = args.text("bind-addr") ?? LOOPBACK;
  const dataDirectory = args.text("data-dir") ?? "./data/cluster";
  const firstBind = args.integer("bind-port", 0, MAX_PORT) ?? 9092;
  const firstRaft = args.integer("raft-port", 0, MAX_PORT) ?? 7001;
  // Both in one call, so that no port is used twice.
  const free = await freePorts(2 * count);
  const bindPorts = firstBind === 0 ? free.slice(0, count) : portsFrom(firstBind, count);
  const raftPorts = firstRaft === 0 ? free.slice(count) : portsFrom(firstRaft, count);
  const passedOn = passedOnBy(args);
  const shared = bindPorts.filter((port) => raftPorts.includes(port));
  if (shared.length > 0)
    throw new UsageError(`--bind-port and --raft-port both reach ${shared.join(", ")}`);
  await refuseTaken(bindAddress, bindPorts, "--bind-port");
  await refuseTaken(LOOPBACK, raftPorts, "--raft-port");
  const peers = raftPorts.map((port) => `${LOOPBACK}:${port}`).join(",");
  const brokers = bindPorts.map((bindPort, i): BrokerPlan => {
    const nodeId = i + 1;
    const raftPort = raftPorts[i]!;
    const directory = join(dataDirectory, `broker-${nodeId}`);
    const flags = ["--node-id", String(nodeId), "--bind-addr", bindAddress];
    flags.push("--bind-port", String(bindPort), "--raft-addr", `${LOOPBACK}:${raftPort}`);
    flags.push("--data-dir", directory, "--cluster-peers", peers);
    flags.push(...certificateFlags(dataDirectory, nodeId), ...passedOn);
    const raft = { raftHost: LOOPBACK, raftPort };
    return { nodeId, bindAddress, bindPort, ...raft, dataDirectory: directory, flags };
  });
  return { dataDirectory, brokers };
}

/** The words after `--`. */
function passedOnBy({ positional }: Arguments): readonly string[] {
  const [first] = positional;
  if (first !== undefined && !first.startsWith("-"))
    throw new UsageError(`cluster up takes no ${JSON.stringify(first)}`);
  return positional;
}

function portsFrom(first: number, count: number): readonly number[] {
  if (first + count - 1 > MAX_PORT)
    throw new UsageError(`there are no ${count} ports from ${first} on`);
  return Array.from({ length: count }, (_, i) => first + i);
}

async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  const { from, to } = FREE_PORTS;
  while (ports.size < count) {
    const port = from + Math.floor(Math.random() * (to - from));
    if (!ports.has(port) && (await isFree(LOOPBACK, port))) ports.add(port);
  }
  return [...ports];
}

async function refuseTaken(host: string, ports: readonly number[], option: string) {
  const taken: number[] = [];
  for (const port of ports) if (!(await isFree(host, port))) taken.push(port);
  if (taken.length === 0) return;
  const what = taken.length === 1 ? `port ${taken[0]} is` : `ports ${taken.join(", ")} are`;
  throw new CommandError(`${what} in use: stop what listens there, or give another ${option}`);
}

/** Rejects with CommandError when the cause is not a port in use. */
async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") return false;
    throw new CommandError(`can't listen on ${host}:${port}: ${message}`, { cause: error });
  }
  server.close();
  await once(server, "close");
  return true;
}
