import { ErrorCode } from "@tarpan/protocol";
import type { Decision } from "../state-machine/replayed-state.ts";
import {
  aliveBrokers,
  electLeader,
  type RaftLeaderOf,
  UNKNOWN_RAFT_LEADERS,
} from "./elect-leader.ts";
import {
  type MetadataImage,
  NO_LEADER,
  type PartitionImage,
  type PlacedPartition,
  partitionsOf,
} from "./image.ts";
import { MAX_ELECTIONS_PER_ROUND } from "./limits.ts";
import { DONE, type Outcome, refused, type TopicOutcomes } from "./outcome.ts";
import { type MetadataRecord, partitionChangeRecord } from "./records.ts";

/** `ElectionType` of Kafka (KIP-460). */
export const ElectionType = { preferred: 0, unclean: 1 } as const;

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface ElectLeadersRequest {
  /** See ElectionType. */
  readonly type: number;
  /** Null means all partitions. */
  readonly partitions: readonly TopicPartitions[] | null;
  readonly timeoutMs: number;
}

export type ElectLeadersResponse = Outcome & { readonly topics: readonly TopicOutcomes[] };

/** `asked` null means all partitions; then the response omits those that needed no election. */
export function decideElectLeaders(
  image: MetadataImage,
  type: number,
  asked: readonly TopicPartitions[] | null,
  raftLeaderOf: RaftLeaderOf = UNKNOWN_RAFT_LEADERS,
): Decision<MetadataRecord, ElectLeadersResponse> {
  if (type !== ElectionType.preferred && type !== ElectionType.unclean) {
    const text = `unknown election type ${type}`;
    return { records: [], response: { ...refused(ErrorCode.INVALID_REQUEST, text), topics: [] } };
  }
  const alive = aliveBrokers(image);
  const records: MetadataRecord[] = [];
  const elected = new Set<string>();
  const elect = (name: string, index: number): Outcome => {
    const topic = image.topics.get(name);
    const partition = topic?.partitions[index];
    if (partition === undefined) {
      const text = `there is no partition ${name}-${index}`;
      return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text);
    }
    const twice = elected.has(`${name}-${index}`);
    const raftLeader = raftLeaderOf(topic!.id, index);
    const leader = twice ? NOT_NEEDED : chosen(type, partition, alive, raftLeader);
    if (typeof leader !== "number") return leader;
    elected.add(`${name}-${index}`);
    records.push(partitionChangeRecord(topic!.id, index, { leader }));
    return DONE;
  };
  const topics = (asked ?? allPartitions(image)).map(({ topic: name, partitions }) => ({
    name,
    partitions: partitions
      .map((partition) => ({ partition, ...elect(name, partition) }))
      .filter(({ errorCode }) => asked !== null || errorCode !== NOT_NEEDED.errorCode),
  }));
  const answered = topics.filter(({ partitions }) => asked !== null || partitions.length > 0);
  return { records, response: { ...DONE, topics: answered } };
}

const NOT_NEEDED = refused(ErrorCode.ELECTION_NOT_NEEDED);

/** The new leader, or why there is none. */
function chosen(
  type: number,
  partition: PartitionImage,
  alive: ReadonlySet<number>,
  raftLeader: number | null,
): number | Outcome {
  if (type === ElectionType.unclean) {
    if (alive.has(partition.leader)) return NOT_NEEDED;
    const leader = electLeader(partition, alive, raftLeader);
    return leader === NO_LEADER ? refused(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE) : leader;
  }
  const preferred = partition.replicas[0]!;
  if (partition.leader === preferred) return NOT_NEEDED;
  if (mayBePreferred(partition, alive)) return preferred;
  const text = `the preferred leader, broker ${preferred}, is fenced or not in sync`;
  return refused(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, text);
}

function mayBePreferred({ replicas, isr }: PartitionImage, alive: ReadonlySet<number>): boolean {
  return alive.has(replicas[0]!) && isr.includes(replicas[0]!);
}

function allPartitions(image: MetadataImage): TopicPartitions[] {
  return [...image.topics.values()].map(({ name, partitions }) => {
    return { topic: name, partitions: [...partitions.keys()] };
  });
}

/**
 * For the timer of `auto.leader.rebalance.enable`: elects a broker in the partitions whose
 * preferred leader it is, if others lead more than `thresholdPercent` of them
 * (`leader.imbalance.per.broker.percentage`). One round elects a limited number; replies whether
 * there may be more.
 */
export function decidePreferredLeaders(
  image: MetadataImage,
  thresholdPercent: number,
): Decision<MetadataRecord, boolean> {
  const alive = aliveBrokers(image);
  const records: MetadataRecord[] = [];
  for (const [broker, placed] of byPreferredLeader(image)) {
    const elsewhere = placed.filter(({ partition }) => partition.leader !== broker);
    if (elsewhere.length * 100 <= placed.length * thresholdPercent) continue;
    for (const { topic, index, partition } of elsewhere) {
      if (!mayBePreferred(partition, alive)) continue;
      if (records.length >= MAX_ELECTIONS_PER_ROUND) return { records, response: true };
      records.push(partitionChangeRecord(topic.id, index, { leader: broker }));
    }
  }
  return { records, response: false };
}

function byPreferredLeader(image: MetadataImage): Map<number, PlacedPartition[]> {
  const byBroker = new Map<number, PlacedPartition[]>();
  for (const placed of partitionsOf(image)) {
    const preferred = placed.partition.replicas[0]!;
    const known = byBroker.get(preferred);
    if (known === undefined) byBroker.set(preferred, [placed]);
    else known.push(placed);
  }
  return byBroker;
}
