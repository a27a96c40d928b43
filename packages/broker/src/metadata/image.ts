import type { SetConfigs } from "../config/kafka/set-configs.ts";
import type { ClientQuotas } from "../quotas/quota-entity.ts";
import type { Acl } from "../security/acl.ts";
import type { ScramCredential, ScramMechanism } from "../security/scram.ts";
import { TrieMap } from "../util/trie-map.ts";
import type { SupportedFeature } from "./features.ts";

/**
 * The state of the cluster by the records of `__cluster_metadata`. An image never changes: `apply`
 * makes the next one, which shares what did not change. So a handler may keep the image with which
 * it began.
 */
export interface MetadataImage extends SetConfigs {
  readonly topics: TrieMap<TopicImage>;
  readonly topicsById: TrieMap<TopicImage>;
  /** The names of the topics, by `metricNameOf`. */
  readonly metricNames: TrieMap<string>;
  readonly brokers: ReadonlyMap<number, BrokerImage>;
  /** First id of the producer id block that is allocated next. */
  readonly nextProducerId: number;
  /** Finalized feature levels (KIP-584). Level 0 stays: without an entry it is set anew. */
  readonly features: ReadonlyMap<string, number>;
  /** By their ids, which are UUIDs. */
  readonly acls: TrieMap<Acl>;
  /** The ids of the ACLs of each resource name. */
  readonly aclIds: TrieMap<readonly string[]>;
  /** By user and mechanism. */
  readonly users: TrieMap<ScramUser>;
  /** By `entityKey`. */
  readonly quotas: TrieMap<ClientQuotas>;
}

/** The credentials of a user. */
export type ScramUser = ReadonlyMap<ScramMechanism, ScramCredential>;

export function scramCredentialOf(
  image: MetadataImage,
  mechanism: ScramMechanism,
  user: string,
): ScramCredential | null {
  return image.users.get(user)?.get(mechanism) ?? null;
}

export interface TopicImage {
  readonly name: string;
  readonly id: string;
  /** By partition index, without gaps. */
  readonly partitions: readonly PartitionImage[];
}

export interface PartitionImage {
  /** In preferred order: the first is the preferred leader. */
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** The `replicas` that a reassignment adds; a cancellation removes them (KIP-455). */
  readonly adding: readonly number[];
  /** The `replicas` that a reassignment removes when it is complete. */
  readonly removing: readonly number[];
  /** `NO_LEADER` if there is none. A leader need not hold a replica, see elect-leader.ts. */
  readonly leader: number;
  readonly leaderEpoch: number;
  /** Increases with every change of the partition. */
  readonly partitionEpoch: number;
}

export interface BrokerImage {
  readonly id: number;
  readonly epoch: number;
  /** New each time the broker starts. */
  readonly incarnationId: string;
  /** The address of its first listener. */
  readonly host: string;
  readonly port: number;
  /** All its listeners; left out if there is only one, named PLAINTEXT. */
  readonly endPoints?: readonly EndPoint[] | null;
  readonly rack: string | null;
  readonly fenced: boolean;
  /** What it supports; none if its release can't say so. */
  readonly features: readonly SupportedFeature[];
}

/** Where clients of one of a broker's listeners connect to it. */
export interface EndPoint {
  /** Of the listener. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** A number of Kafka's `SecurityProtocol`. */
  readonly securityProtocol: number;
}

/** The listener of a broker that registered none: a release that had only this one. */
export const PLAINTEXT = "PLAINTEXT";

/** Where clients of a listener find the broker; null if it has no listener of this name. */
export function endPointOf(
  { host, port, endPoints }: BrokerImage,
  listener: string,
): { readonly host: string; readonly port: number } | null {
  if (endPoints == null) return listener === PLAINTEXT ? { host, port } : null;
  return endPoints.find(({ name }) => name === listener) ?? null;
}

/** Used instead of a broker's id; Kafka's `LeaderConstants.NO_LEADER`. */
export const NO_LEADER = -1;

export const EMPTY_IMAGE: MetadataImage = {
  topics: new TrieMap(),
  topicsById: new TrieMap(),
  metricNames: new TrieMap(),
  brokers: new Map(),
  configs: new Map(),
  nextProducerId: 0,
  features: new Map(),
  acls: new TrieMap(),
  aclIds: new TrieMap(),
  users: new TrieMap(),
  quotas: new TrieMap(),
};

/** The broker that a resource of type broker names, null if there is none. */
export function brokerNamed(image: MetadataImage, name: string): BrokerImage | null {
  const broker = image.brokers.get(Number(name));
  return broker !== undefined && String(broker.id) === name ? broker : null;
}

export interface PlacedPartition {
  readonly topic: TopicImage;
  readonly index: number;
  readonly partition: PartitionImage;
}

/** Every partition of every topic. */
export function* partitionsOf(image: MetadataImage): Generator<PlacedPartition> {
  for (const topic of image.topics.values()) {
    for (const [index, partition] of topic.partitions.entries()) yield { topic, index, partition };
  }
}
