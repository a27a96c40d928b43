import type { ConfigValues } from "../config/kafka/set-configs.ts";
import type { Acl } from "../security/acl.ts";
import { TrieMap } from "../util/trie-map.ts";
import type { BrokerImage, MetadataImage, PartitionImage, TopicImage } from "./image.ts";

/**
 * The differences between two images of the metadata. Listeners use this, so that they never look
 * at all topics because one has changed.
 */
export interface MetadataDelta {
  /** Deleted topics come first: a new topic may have the name of one of them. */
  readonly topics: readonly TopicDelta[];
  readonly brokers: readonly BrokerDelta[];
  readonly configs: readonly ConfigDelta[];
  readonly acls: readonly AclDelta[];
}

/** `before` is null if it is new, `now` is null if it was deleted. */
interface Change<T> {
  readonly before: T | null;
  readonly now: T | null;
}

export interface TopicDelta extends Change<TopicImage> {
  readonly id: string;
  readonly name: string;
  readonly partitions: readonly PartitionDelta[];
}

export interface PartitionDelta extends Change<PartitionImage> {
  readonly index: number;
}

export interface BrokerDelta extends Change<BrokerImage> {
  readonly id: number;
}

export type AclDelta = Change<Acl>;

/** A resource whose configs have changed. */
export interface ConfigDelta {
  /** See ResourceType. */
  readonly type: number;
  readonly name: string;
}

/**
 * Compares two images by identity: they share what did not change, so it costs as much as there are
 * changes. Any two images may be compared, also one that was read from a snapshot with an earlier
 * one.
 */
export function deltaBetween(previous: MetadataImage, next: MetadataImage): MetadataDelta {
  return {
    topics: topicsBetween(previous.topicsById, next.topicsById),
    brokers: brokersBetween(previous.brokers, next.brokers),
    configs: configsBetween(previous.configs, next.configs),
    acls: aclsBetween(previous.acls, next.acls),
  };
}

type Topics = MetadataImage["topicsById"];

function topicsBetween(previous: Topics, next: Topics): TopicDelta[] {
  const gone: TopicDelta[] = [];
  const present: TopicDelta[] = [];
  for (const id of next.changedSince(previous)) {
    const before = previous.get(id) ?? null;
    const now = next.get(id) ?? null;
    const partitions = partitionsBetween(before, now);
    if (now === null) gone.push({ id, name: before!.name, before, now, partitions });
    else present.push({ id, name: now.name, before, now, partitions });
  }
  return [...gone, ...present];
}

function partitionsBetween(previous: TopicImage | null, next: TopicImage | null) {
  const changed: PartitionDelta[] = [];
  const [old, current] = [previous?.partitions ?? [], next?.partitions ?? []];
  for (let index = 0; index < Math.max(old.length, current.length); index++) {
    const before = old[index] ?? null;
    const now = current[index] ?? null;
    if (before !== now) changed.push({ index, before, now });
  }
  return changed;
}

type Brokers = MetadataImage["brokers"];

function brokersBetween(previous: Brokers, next: Brokers): BrokerDelta[] {
  if (previous === next) return [];
  const changed: BrokerDelta[] = [];
  for (const [id, now] of next) {
    const before = previous.get(id) ?? null;
    if (before !== now) changed.push({ id, before, now });
  }
  for (const [id, before] of previous) {
    if (!next.has(id)) changed.push({ id, before, now: null });
  }
  return changed;
}

type Configs = MetadataImage["configs"];

function configsBetween(previous: Configs, next: Configs): ConfigDelta[] {
  if (previous === next) return [];
  const types = new Set([...previous.keys(), ...next.keys()]);
  return [...types].flatMap((type) => {
    const names = (next.get(type) ?? NONE_SET).changedSince(previous.get(type) ?? NONE_SET);
    return names.map((name) => ({ type, name }));
  });
}

const NONE_SET: TrieMap<ConfigValues> = new TrieMap();

type Acls = MetadataImage["acls"];

function aclsBetween(previous: Acls, next: Acls): AclDelta[] {
  return next
    .changedSince(previous)
    .map((id) => ({ before: previous.get(id) ?? null, now: next.get(id) ?? null }));
}
