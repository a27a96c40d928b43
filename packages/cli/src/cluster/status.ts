// `tarpan cluster status`: the cluster's status, as one broker sees it, in tables. A standalone
// broker has no replicas to show; a value that is not known is shown as "-".

import type { ClusterPartition, ClusterStatus, PartitionStatus } from "@tarpan/broker/admin";
import type { Arguments } from "../args/arguments.ts";
import { outputFrom } from "../args/output.ts";
import type { Io } from "../terminal/io.ts";
import { counted } from "../terminal/progress.ts";
import { columns } from "../terminal/table.ts";
import { HttpBrokers } from "./ask.ts";

const HELD_SHOWN_MS = 10_000;

export async function clusterStatus(args: Arguments, io: Io): Promise<void> {
  const output = outputFrom(args, io);
  const internal = args.has("internal");
  args.end();
  const status = await (await HttpBrokers.from(args, io)).ask(
    "GET",
    "/cluster/status?partitions=true",
  );
  output.only(status, statusText(status as ClusterStatus, internal));
}

export function statusText(status: ClusterStatus, internal: boolean): string {
  // An older broker does not name them.
  const uncleanable = (status.uncleanablePartitions ?? []).map(
    ({ topic, partition, reason }) => `${topic}-${partition} can't be compacted: ${reason}`,
  );
  const held = status.heldPartitions ?? [];
  const hanging = held.filter(({ isHanging }) => isHanging).map(hangingText);
  const problems = [
    ...[...(status.engine.problems ?? []), ...status.reasons],
    ...[...uncleanable, ...hanging],
  ];
  return [
    `cluster ${status.clusterId}, seen by broker ${status.nodeId}\n${engineLine(status.engine)}` +
      levelLine(status),
    ...(problems.length === 0 ? [] : [problems.map((line) => `problem: ${line}\n`).join("")]),
    brokerTable(status),
    ...partitionTables(status.partitions ?? [], internal),
    ...heldTables(held),
  ].join("\n");
}

function engineLine(engine: ClusterStatus["engine"]): string {
  const { kind, version, syncInterval, maxPayloadBytes, replicasMax } = engine;
  const parts = [`engine ${kind}`];
  if (version) parts.push(`nats-server ${version}`);
  if (syncInterval) parts.push(`sync_interval ${syncInterval}`);
  if (maxPayloadBytes) parts.push(`max_payload ${maxPayloadBytes}`);
  if (replicasMax) parts.push(`up to ${counted(replicasMax, "replica")}`);
  return `${parts.join(", ")}\n`;
}

/** An older broker does not name them. */
function levelLine({
  metadataLevel: level,
  metadataLevelSupported: ofAll,
}: Partial<ClusterStatus>) {
  return level === undefined ? "" : `metadata level ${level}, all brokers read up to ${ofAll}\n`;
}

function brokerTable({ brokers, controllerId }: ClusterStatus): string {
  const rows = brokers.toSorted((a, b) => a.nodeId - b.nodeId);
  return columns([
    ["broker", "address", "rack", "state", "metadata level", "role"],
    ...rows.map(({ nodeId, host, port, rack, fenced, metadataLevel }) => [
      String(nodeId),
      `${host}:${port}`,
      rack || "-",
      fenced ? "fenced" : "alive",
      String(metadataLevel ?? "-"),
      nodeId === controllerId ? "controller" : "",
    ]),
  ]);
}

type Row = ClusterPartition | PartitionStatus;

function partitionTables(all: readonly Row[], internal: boolean): string[] {
  // A cluster has over fifty internal partitions: each gets a line only when something is wrong.
  const shown = all.filter((one) => internal || !one.topic.startsWith("__") || hasProblem(one));
  const hidden = all.length - shown.length;
  const parts: string[] = [];
  if (shown.length > 0) parts.push(partitionTable(shown));
  if (hidden > 0)
    parts.push(`and ${counted(hidden, "partition")} of internal topics (--internal shows them)\n`);
  return parts;
}

const isReplicated = (row: Row): row is ClusterPartition => "replicas" in row;

function hasProblem(row: Row): boolean {
  if (row.leader < 0) return true;
  return isReplicated(row) ? row.isr.length < row.replicas.length : row.offlineReason !== null;
}

function partitionTable(partitions: readonly Row[]): string {
  const rows = partitions.toSorted(
    (a, b) => (a.topic < b.topic ? -1 : Number(a.topic > b.topic)) || a.partition - b.partition,
  );
  return rows.every(isReplicated) ? replicatedTable(rows) : ownTable(rows as PartitionStatus[]);
}

function replicatedTable(rows: readonly ClusterPartition[]): string {
  return columns([
    ["topic", "partition", "leader", "raft leader", "replicas", "isr", "lag"],
    ...rows.map(({ topic, partition, leader, raftLeader, replicas, isr, lag }) => [
      topic,
      String(partition),
      idText(leader),
      idText(raftLeader),
      replicas.join(",") || "-",
      isr.join(",") || "-",
      lagText(lag),
    ]),
  ]);
}

function ownTable(rows: readonly PartitionStatus[]): string {
  return columns([
    ["topic", "partition", "leader", "end offset", "problem"],
    ...rows.map(({ topic, partition, leader, endOffset, offlineReason }) => [
      topic,
      String(partition),
      idText(leader),
      idText(endOffset),
      offlineReason ?? "",
    ]),
  ]);
}

type Held = ClusterStatus["heldPartitions"][number];

function hangingText({ topic, partition, startOffset }: Held): string {
  const at = `--topic ${topic} --partition ${partition} --start-offset ${startOffset}`;
  return (
    `a transaction hangs in ${topic}-${partition}: if tarpan transactions find-hanging lists it, ` +
    `end it with: tarpan transactions abort ${at}`
  );
}

/** Transactions of an ordinary length are left out. */
function heldTables(all: readonly Held[]): string[] {
  const long = all.filter(({ openMs }) => openMs >= HELD_SHOWN_MS);
  if (long.length === 0) return [];
  const headings = ["read_committed waits in", "at offset", "for producer", "transactional id"];
  const rows = long
    .toSorted((a, b) => b.openMs - a.openMs)
    .map((held) => [
      `${held.topic}-${held.partition}`,
      String(held.startOffset),
      `${held.producerId} epoch ${held.producerEpoch}`,
      held.transactionalId ?? "-",
      new Date(held.sinceMs).toISOString(),
      String(held.lag),
    ]);
  return [columns([[...headings, "at least since", "lag"], ...rows])];
}

const idText = (id: number | null) => (id === null || id < 0 ? "-" : String(id));

/** The largest lag: that of the slowest replica. */
function lagText(lag: ClusterPartition["lag"]): string {
  const lags = Object.values(lag);
  return lags.length === 0 ? "-" : String(Math.max(...lags));
}
