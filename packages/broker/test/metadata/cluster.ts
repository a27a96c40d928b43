import type { ReplicaStates } from "../../src/log/replication.ts";
import { applyMetadata } from "../../src/metadata/apply.ts";
import { decideRegisterBroker } from "../../src/metadata/decide-broker.ts";
import { SUPPORTED_FEATURES } from "../../src/metadata/features.ts";
import { EMPTY_IMAGE, type MetadataImage, type PartitionImage } from "../../src/metadata/image.ts";
import { isRefusal, placeAsAssigned } from "../../src/metadata/placement.ts";
import {
  type MetadataRecord,
  partitionChangeRecord,
  partitionRecord,
  registerBrokerRecord,
  topicRecord,
} from "../../src/metadata/records.ts";
import type { Decision } from "../../src/state-machine/replayed-state.ts";

/** A cluster's metadata that decisions change, and all their records. */
export class History {
  image: MetadataImage = EMPTY_IMAGE;
  readonly records: MetadataRecord[] = [];
  /** Of the brokers that register next. */
  features = SUPPORTED_FEATURES;

  take<Reply>(decision: Decision<MetadataRecord, Reply>): Reply {
    this.image = applyMetadata(this.image, decision.records);
    this.records.push(...decision.records);
    return decision.response;
  }

  register(id: number, incarnationId = incarnationOf(id)): void {
    const at = { host: `host-${id}`, port: 9092, rack: null };
    const broker = { id, incarnationId, ...at, features: this.features };
    this.take(decideRegisterBroker(this.image, { ...broker, unclean: false }, { clustered: true }));
  }

  /** Fences a broker without elections, for a state that decisions would not leave behind. */
  fence(...ids: number[]): void {
    const records = ids.map((id) => {
      return registerBrokerRecord({ ...this.image.brokers.get(id)!, fenced: true });
    });
    this.take({ records, response: undefined });
  }

  topic(name: string, assignments: readonly (readonly number[])[]): void {
    const placed = placeAsAssigned(this.image, assignments, null);
    if (isRefusal(placed)) throw new Error(placed.errorMessage!);
    const id = topicIdOf(name);
    const partitions = placed.partitions.map((one, index) => partitionRecord(id, index, one));
    this.take({ records: [topicRecord(name, id), ...partitions], response: undefined });
  }

  change(topic: string, index: number, change: Parameters<typeof partitionChangeRecord>[2]): void {
    this.take({
      records: [partitionChangeRecord(topicIdOf(topic), index, change)],
      response: undefined,
    });
  }

  partition(topic: string, index = 0): PartitionImage {
    return this.image.topics.get(topic)!.partitions[index]!;
  }

  leaders(topic: string): number[] {
    return this.image.topics.get(topic)!.partitions.map(({ leader }) => leader);
  }
}

export function cluster(
  brokers: readonly number[],
  topics: Readonly<Record<string, readonly (readonly number[])[]>> = {},
): History {
  const history = new History();
  for (const id of brokers) history.register(id);
  for (const [name, assignments] of Object.entries(topics)) history.topic(name, assignments);
  return history;
}

export function topicIdOf(name: string): string {
  const digits = Buffer.from(name).toString("hex").slice(0, 12).padStart(12, "0");
  return `11111111-1111-1111-1111-${digits}`;
}

export function incarnationOf(id: number, start = 0): string {
  return `00000000-0000-0000-0000-${String(id * 1_000 + start).padStart(12, "0")}`;
}

/** The engine's report of a log; replicas of the brokers in `behind` lag. */
export function replicaStates(
  topic: string,
  partition: number,
  current: readonly number[],
  behind: readonly number[] = [],
): ReplicaStates {
  const replicas = [
    ...current.map((brokerId) => ({ brokerId, current: true, lag: 0 })),
    ...behind.map((brokerId) => ({ brokerId, current: false, lag: 7 })),
  ];
  const id = { topic, topicId: topicIdOf(topic), partition };
  return { id, raftLeader: current[0] ?? null, sizeBytes: 0, replicas };
}
