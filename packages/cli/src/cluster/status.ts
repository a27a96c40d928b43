// `tarpan cluster status`: what a broker says of its cluster, as tables. A broker that keeps its
// partitions to itself says less; whatever it leaves out is shown as "-".
import type { Arguments } from "../args/parse.ts";
import type { Io } from "../command.ts";
import { counted } from "../progress.ts";
import { columns } from "../table.ts";
import { HttpBrokers } from "./ask.ts";

/** What is read of `/cluster/status`. */
export interface ClusterStatus {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly controllerId: number | null;
  readonly brokers: readonly BrokerStatus[];
  readonly engine: string | EngineStatus;
  readonly reasons?: readonly string[];
  readonly partitions?: readonly PartitionStatus[];
}

interface BrokerStatus {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack?: string | null;
  readonly fenced?: boolean;
}

interface EngineStatus {
  readonly kind: string;
  readonly version?: string | null;
  readonly syncInterval?: string | null;
  readonly maxPayload?: number | null;
  readonly replicasMax?: number | null;
  readonly problems?: readonly string[];
}

interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number | null;
  readonly raftLeader?: number | null;
  readonly replicas?: readonly (number | ReplicaStatus)[];
  readonly isr?: readonly number[];
  readonly endOffset?: number;
  readonly offlineReason?: string | null;
}

interface ReplicaStatus {
  readonly brokerId: number;
  readonly current?: boolean;
  /** Raft entries it lacks. */
  readonly lag?: number;
}

export async function clusterStatus(args: Arguments, io: Io): Promise<void> {
  const status = await new HttpBrokers(args).ask("GET", "/cluster/status?partitions=true");
  const text = args.has("json")
    ? `${JSON.stringify(status, null, 2)}\n`
    : statusText(status as ClusterStatus, args.has("internal"));
  io.stdout.write(text);
}

export function statusText(status: ClusterStatus, internal: boolean): string {
  const problems = [
    ...(typeof status.engine === "string" ? [] : (status.engine.problems ?? [])),
    ...(status.reasons ?? []),
  ];
  return [
    `cluster ${status.clusterId}, seen by broker ${status.nodeId}\n${engineLine(status.engine)}`,
    ...(problems.length === 0 ? [] : [problems.map((line) => `problem: ${line}\n`).join("")]),
    brokerTable(status),
    ...partitionTables(status.partitions ?? [], internal),
  ].join("\n");
}

function engineLine(engine: ClusterStatus["engine"]): string {
  if (typeof engine === "string") return `engine ${engine}\n`;
  const { kind, version, syncInterval, maxPayload, replicasMax } = engine;
  const parts = [`engine ${kind}`];
  if (version) parts.push(`nats-server ${version}`);
  if (syncInterval) parts.push(`sync_interval ${syncInterval}`);
  if (maxPayload) parts.push(`max_payload ${maxPayload}`);
  if (replicasMax) parts.push(`up to ${counted(replicasMax, "replica")}`);
  return `${parts.join(", ")}\n`;
}

function brokerTable({ brokers, controllerId }: ClusterStatus): string {
  const rows = brokers.toSorted((a, b) => a.nodeId - b.nodeId);
  return columns([
    ["broker", "address", "rack", "state", "role"],
    ...rows.map(({ nodeId, host, port, rack, fenced }) => [
      String(nodeId),
      `${host}:${port}`,
      rack || "-",
      fenced ? "fenced" : "alive",
      nodeId === controllerId ? "controller" : "",
    ]),
  ]);
}

function partitionTables(all: readonly PartitionStatus[], internal: boolean): string[] {
  // A cluster has over fifty internal ones: they are worth a line each only when something is wrong.
  const shown = all.filter((one) => internal || !one.topic.startsWith("__") || isTroubled(one));
  const hidden = all.length - shown.length;
  const parts: string[] = [];
  if (shown.length > 0) parts.push(partitionTable(shown));
  if (hidden > 0)
    parts.push(`and ${counted(hidden, "partition")} of internal topics (--internal shows them)\n`);
  return parts;
}

function isTroubled({ leader, offlineReason, replicas, isr }: PartitionStatus): boolean {
  if (leader === null || leader < 0 || offlineReason) return true;
  return isr !== undefined && replicas !== undefined && isr.length < replicas.length;
}

function partitionTable(partitions: readonly PartitionStatus[]): string {
  const rows = partitions.toSorted(
    (a, b) => (a.topic < b.topic ? -1 : Number(a.topic > b.topic)) || a.partition - b.partition,
  );
  const headings = ["topic", "partition", "leader", "raft leader", "replicas", "isr", "lag"];
  return columns([
    [...headings, "end offset", "problem"],
    ...rows.map((one) => [
      one.topic,
      String(one.partition),
      idText(one.leader),
      idText(one.raftLeader),
      one.replicas?.map((replica) => idText(idOf(replica))).join(",") ?? "-",
      isrText(one),
      lagText(one.replicas),
      one.endOffset === undefined || one.endOffset < 0 ? "-" : String(one.endOffset),
      one.offlineReason ?? "",
    ]),
  ]);
}

const idOf = (replica: number | ReplicaStatus) =>
  typeof replica === "number" ? replica : replica.brokerId;

const idText = (id: number | null | undefined) =>
  id === undefined || id === null || id < 0 ? "-" : String(id);

function isrText({ isr, replicas }: PartitionStatus): string {
  if (isr !== undefined) return isr.join(",") || "-";
  const known = replicas?.filter((one) => typeof one !== "number" && one.current !== undefined);
  if (known === undefined || known.length === 0) return "-";
  const current = known.filter((one) => typeof one !== "number" && one.current);
  return current.map(idOf).join(",") || "-";
}

/** The largest of the replicas: what the slowest has yet to get. */
function lagText(replicas: PartitionStatus["replicas"]): string {
  const lags = replicas?.flatMap((one) => (typeof one === "number" ? [] : (one.lag ?? [])));
  return lags === undefined || lags.length === 0 ? "-" : String(Math.max(...lags));
}
