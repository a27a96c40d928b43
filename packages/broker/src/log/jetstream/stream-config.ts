// Names and configurations of streams. Each log has one stream, named by topic id and partition.

import type { LogId } from "../log.ts";
import type { ReplicatedLogOptions } from "../replication.ts";
import { CHECKPOINT_REPLICAS, DUPLICATE_WINDOW_MS } from "./limits.ts";

/** nats-server's JSON; only the fields that the engine sets or reads. */
export interface StreamConfig {
  readonly name: string;
  readonly num_replicas: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly placement?: { readonly cluster?: string; readonly tags?: readonly string[] };
  readonly [field: string]: unknown;
}

/** Maps brokers to NATS servers, when the brokers run them. */
export interface Placement {
  /** The tag of a broker's server. */
  tagOf(brokerId: number): string;
  serverOf(brokerId: number): string;
  /** Null for a server that no broker runs. */
  brokerOf(serverName: string): number | null;
  /** All brokers known now. */
  brokers(): readonly number[];
}

export const CHECKPOINT_STREAM = "tarpan-checkpoints";
export const LOG_STREAM_PREFIX = "tarpan-p-";
/** To be raised when the format of messages in the streams changes. */
const FORMAT_VERSION = "1";

export function streamNameOf({ topicId, partition }: LogId): string {
  return `${LOG_STREAM_PREFIX}${topicId}-${partition}`;
}

export function subjectOf({ topicId, partition }: LogId): string {
  return `tarpan.p.${topicId}.${partition}`;
}

/** `c` for checkpoints, `s` for start offsets. */
export function checkpointSubjectOf(kind: "c" | "s", { topicId, partition }: LogId): string {
  return `tarpan.${kind}.${topicId}.${partition}`;
}

/** The subject of one part of a large checkpoint. `saving` is unique for each save. */
export function checkpointPartOf(id: LogId, saving: string, part: number | string): string {
  return `${checkpointSubjectOf("c", id)}.${saving}.${part}`;
}

/**
 * `creation` must be unique for each attempt: JetStream answers "created" even if a stream with the
 * same configuration exists.
 */
export function logStreamConfig(
  id: LogId,
  options: ReplicatedLogOptions,
  placement: Placement | null,
  creation: string,
): StreamConfig {
  return {
    ...commonConfig(streamNameOf(id), [subjectOf(id)]),
    ...replicasConfig(options.replicas ?? [], placement),
    discard: "new",
    max_msgs_per_subject: -1,
    deny_delete: true,
    metadata: {
      "tarpan.format": FORMAT_VERSION,
      "tarpan.topic": id.topic,
      "tarpan.topic-id": id.topicId,
      "tarpan.partition": String(id.partition),
      "tarpan.creation": creation,
      ...(options.label !== undefined && { "tarpan.label": options.label }),
    },
  };
}

export function checkpointStreamConfig(replicas: number): StreamConfig {
  return {
    ...commonConfig(CHECKPOINT_STREAM, ["tarpan.c.>", "tarpan.s.>"]),
    num_replicas: Math.min(replicas, CHECKPOINT_REPLICAS),
    discard: "old",
    max_msgs_per_subject: 1,
    metadata: { "tarpan.format": FORMAT_VERSION },
  };
}

function commonConfig(name: string, subjects: readonly string[]) {
  return {
    name,
    subjects,
    storage: "file",
    retention: "limits",
    max_msgs: -1,
    max_bytes: -1,
    max_msg_size: -1,
    max_age: 0,
    max_consumers: -1,
    allow_direct: true,
    duplicate_window: DUPLICATE_WINDOW_MS * 1e6,
  };
}

/**
 * Places replicas on exactly these brokers, by excluding every other one by its tag: a stream
 * cannot require one of several tags.
 */
export function replicasConfig(
  replicas: readonly number[],
  placement: Placement | null,
): Pick<StreamConfig, "num_replicas" | "placement"> {
  const num_replicas = Math.max(1, replicas.length);
  if (!placement || replicas.length === 0) return { num_replicas };
  const others = placement.brokers().filter((brokerId) => !replicas.includes(brokerId));
  if (others.length === 0) return { num_replicas };
  const tags = others.sort((a, b) => a - b).map((brokerId) => `!${placement.tagOf(brokerId)}`);
  return { num_replicas, placement: { tags } };
}

/** Null for a stream that is not a log, or that was set aside. */
export function logIdOf(config: StreamConfig): LogId | null {
  const metadata = config.metadata ?? {};
  const topic = metadata["tarpan.topic"];
  const topicId = metadata["tarpan.topic-id"];
  const partition = Number(metadata["tarpan.partition"]);
  if (topic === undefined || topicId === undefined || metadata["tarpan.aside"]) return null;
  return { topic, topicId, partition };
}

/** The label that the log was created with, "" when none. */
export function labelOf(config: StreamConfig): string {
  return config.metadata?.["tarpan.label"] ?? "";
}

export function formatOf(config: StreamConfig): string | undefined {
  return config.metadata?.["tarpan.format"];
}

export function isKnownFormat(format: string | undefined): boolean {
  return format === FORMAT_VERSION;
}
