import { ResourceType } from "../config/kafka/set-configs.ts";
import { type ClientQuotas, entityKey, quotaEntity } from "../quotas/quota-entity.ts";
import type { Acl } from "../security/acl.ts";
import { type ScramCredential, type ScramMechanism, scramMechanismOf } from "../security/scram.ts";
import { TrieMap } from "../util/trie-map.ts";
import {
  type BrokerImage,
  type MetadataImage,
  type PartitionImage,
  PLAINTEXT,
  type TopicImage,
} from "./image.ts";
import { writtenLevel } from "./metadata-level.ts";
import { LATEST_LEVEL, levelOfRecord, METADATA_LEVEL } from "./record-levels.ts";
import { LEADER_UNCHANGED, type MetadataRecord, type RecordValue } from "./records.ts";
import { metricNameOf } from "./topic-names.ts";
import { UnreadableMetadataError } from "./unreadable-metadata.ts";

/**
 * The only code that changes the metadata, live and on replay. Maps and partitions that records
 * change are copied once per call. Throws for a record of an unknown topic, partition or ACL: the
 * log was not written by Tarpan then. Throws UnreadableMetadataError when the log tells of a level
 * that only newer releases read.
 */
export function applyMetadata(
  image: MetadataImage,
  records: readonly MetadataRecord[],
): MetadataImage {
  const draft = new Draft(image);
  for (const record of records) {
    draft.apply(record);
    draft.raiseLevel(levelOfRecord(record));
  }
  return draft.finish();
}

interface TopicDraft {
  readonly name: string;
  readonly id: string;
  readonly partitions: PartitionImage[];
}

class Draft {
  readonly #base: MetadataImage;
  readonly #touched = new Map<string, TopicDraft>();
  readonly #removed = new Set<TopicImage>();
  /** By resource type and name; undefined if the resource has no configs any more. */
  readonly #configs = new Map<number, Map<string, Map<string, string> | undefined>>();
  #brokers: Map<number, BrokerImage> | null = null;
  #features: Map<string, number> | null = null;
  /** By id; undefined if it is deleted. */
  readonly #acls = new Map<string, Acl | undefined>();
  /** Undefined if a user has no credential any more. */
  readonly #users = new Map<string, Map<ScramMechanism, ScramCredential> | undefined>();
  /** By `entityKey`; undefined if an entity has no quota any more. */
  readonly #quotas = new Map<string, ClientQuotas | undefined>();
  #nextProducerId: number;

  constructor(base: MetadataImage) {
    this.#base = base;
    this.#nextProducerId = base.nextProducerId;
  }

  apply({ record, value }: MetadataRecord): void {
    switch (record) {
      case "TopicRecord":
        this.#topic(value.topicId, value.name);
        return;
      case "PartitionRecord":
        this.#placePartition(value);
        return;
      case "PartitionChangeRecord":
        this.#changePartition(value);
        return;
      case "RemoveTopicRecord":
        this.#removeTopic(value.topicId);
        return;
      case "ConfigRecord":
        this.#setConfig(value.resourceType, value.resourceName, value.name, value.value);
        return;
      case "ProducerIdsRecord":
        this.#nextProducerId = value.nextProducerId;
        return;
      case "FeatureLevelRecord":
        this.#setFeature(value.name, value.featureLevel);
        return;
      case "RegisterBrokerRecord":
        this.#registerBroker(value);
        return;
      case "UnregisterBrokerRecord":
        this.#brokers ??= new Map(this.#base.brokers);
        this.#brokers.delete(value.brokerId);
        return;
      case "AccessControlEntryRecord": {
        const { id, ...acl } = value;
        this.#acls.set(id, acl);
        return;
      }
      case "RemoveAccessControlEntryRecord":
        this.#removeAcl(value.id);
        return;
      case "UserScramCredentialRecord": {
        const { name, mechanism, ...credential } = value;
        this.#setCredential(name, mechanism, credential);
        return;
      }
      case "RemoveUserScramCredentialRecord":
        this.#setCredential(value.name, value.mechanism, null);
        return;
      case "ClientQuotaRecord":
        this.#setQuota(value);
        return;
      default:
        record satisfies never;
    }
  }

  /** Releases without levels write no record that raises it. */
  raiseLevel(level: number): void {
    if (level > writtenLevel({ features: this.#features ?? this.#base.features })) {
      this.#setFeature(METADATA_LEVEL, level);
    }
  }

  finish(): MetadataImage {
    const base = this.#base;
    const topicsChanged = this.#touched.size + this.#removed.size > 0;
    return {
      topics: base.topics,
      topicsById: base.topicsById,
      metricNames: base.metricNames,
      ...(topicsChanged && this.#movedTopics()),
      brokers: this.#brokers ?? base.brokers,
      configs: this.#movedConfigs(),
      nextProducerId: this.#nextProducerId,
      features: this.#features ?? base.features,
      acls: base.acls.with(this.#acls),
      aclIds: this.#acls.size === 0 ? base.aclIds : base.aclIds.with(this.#movedAclIds()),
      users: base.users.with(this.#users),
      quotas: base.quotas.with(this.#quotas),
    };
  }

  #movedTopics(): Pick<MetadataImage, "topics" | "topicsById" | "metricNames"> {
    const base = this.#base;
    const metricNames = new Map<string, string | undefined>();
    const names = new Map<string, TopicImage | undefined>();
    const ids = new Map<string, TopicImage | undefined>();
    for (const topic of this.#removed) {
      ids.set(topic.id, undefined);
      names.set(topic.name, undefined);
      metricNames.set(metricNameOf(topic.name), undefined);
    }
    for (const topic of this.#touched.values()) {
      ids.set(topic.id, topic);
      names.set(topic.name, topic);
      metricNames.set(metricNameOf(topic.name), topic.name);
    }
    return {
      topics: base.topics.with(names),
      topicsById: base.topicsById.with(ids),
      metricNames: base.metricNames.with(metricNames),
    };
  }

  /** The topic's draft. `name` is given only for a record that may create the topic. */
  #topic(id: string, name?: string): TopicDraft {
    const touched = this.#touched.get(id);
    if (touched !== undefined) return touched;
    const known = this.#base.topicsById.get(id);
    if (known === undefined && name === undefined) throw new Error(`no topic has the id ${id}`);
    const topic = { name: known?.name ?? name!, id, partitions: [...(known?.partitions ?? [])] };
    this.#touched.set(id, topic);
    return topic;
  }

  #placePartition(record: RecordValue<"PartitionRecord">): void {
    const { partitions, name } = this.#topic(record.topicId);
    if (record.partitionId > partitions.length) {
      throw new Error(`partition ${record.partitionId} of ${name} leaves a gap`);
    }
    const replicas = reuse(record.replicas, partitions[record.partitionId - 1]?.replicas);
    partitions[record.partitionId] = {
      replicas,
      isr: reuse(record.isr, replicas),
      adding: reuse(record.addingReplicas, NO_REPLICAS),
      removing: reuse(record.removingReplicas, NO_REPLICAS),
      leader: record.leader,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
    };
  }

  /** As in Kafka, a record with a leader starts a new leader epoch, even if it is the same one. */
  #changePartition(record: RecordValue<"PartitionChangeRecord">): void {
    const { partitions, name } = this.#topic(record.topicId);
    const before = partitions[record.partitionId];
    if (before === undefined) throw new Error(`${name} has no partition ${record.partitionId}`);
    const elected = record.leader !== LEADER_UNCHANGED;
    partitions[record.partitionId] = {
      replicas: record.replicas ?? before.replicas,
      isr: record.isr ?? before.isr,
      adding: record.addingReplicas ?? before.adding,
      removing: record.removingReplicas ?? before.removing,
      leader: elected ? record.leader : before.leader,
      leaderEpoch: before.leaderEpoch + (elected ? 1 : 0),
      partitionEpoch: before.partitionEpoch + 1,
    };
  }

  #removeTopic(id: string): void {
    const topic = this.#topic(id);
    this.#touched.delete(id);
    const known = this.#base.topicsById.get(id);
    if (known !== undefined) this.#removed.add(known);
    this.#dropConfigs(ResourceType.topic, topic.name);
  }

  #setConfig(type: number, resource: string, key: string, value: string | null): void {
    const changes = this.#configs.get(type) ?? new Map<string, Map<string, string> | undefined>();
    this.#configs.set(type, changes);
    const base = changes.has(resource) ? undefined : this.#base.configs.get(type)?.get(resource);
    const values = changes.get(resource) ?? new Map(base);
    if (value === null) values.delete(key);
    else values.set(key, value);
    changes.set(resource, values.size === 0 ? undefined : values);
  }

  #dropConfigs(type: number, resource: string): void {
    const changes = this.#configs.get(type);
    if (changes !== undefined) changes.set(resource, undefined);
    else if (this.#base.configs.get(type)?.has(resource)) {
      this.#configs.set(type, new Map([[resource, undefined]]));
    }
  }

  #movedConfigs(): MetadataImage["configs"] {
    if (this.#configs.size === 0) return this.#base.configs;
    const configs = new Map(this.#base.configs);
    for (const [type, changes] of this.#configs) {
      const next = (configs.get(type) ?? new TrieMap()).with(changes);
      if (next.size === 0) configs.delete(type);
      else configs.set(type, next);
    }
    return configs;
  }

  #removeAcl(id: string): void {
    const known = this.#acls.has(id) ? this.#acls.get(id) : this.#base.acls.get(id);
    if (known === undefined) throw new Error(`no ACL has the id ${id}`);
    this.#acls.set(id, undefined);
  }

  /** By resource name; undefined if no ACL has the name any more. */
  #movedAclIds(): Map<string, readonly string[] | undefined> {
    const present = new Map<string, string[]>();
    const ofName = (name: string) => {
      const known = present.get(name) ?? [];
      if (known.length === 0) present.set(name, known);
      return known;
    };
    for (const [id, acl] of this.#acls) {
      const before = this.#base.acls.get(id);
      if (before !== undefined) ofName(before.resourceName);
      if (acl !== undefined) ofName(acl.resourceName).push(id);
    }
    const moved = new Map<string, readonly string[] | undefined>();
    for (const [name, changed] of present) {
      const others = this.#base.aclIds.get(name)?.filter((id) => !this.#acls.has(id)) ?? [];
      const ids = others.length === 0 ? changed : [...others, ...changed];
      moved.set(name, ids.length === 0 ? undefined : ids);
    }
    return moved;
  }

  #setCredential(user: string, type: number, credential: ScramCredential | null): void {
    const mechanism = scramMechanismOf(type);
    if (mechanism === null) throw new Error(`no SCRAM mechanism has the number ${type}`);
    const before = this.#users.has(user) ? this.#users.get(user) : this.#base.users.get(user);
    const credentials = new Map(before);
    if (credential === null) credentials.delete(mechanism);
    else credentials.set(mechanism, credential);
    this.#users.set(user, credentials.size === 0 ? undefined : credentials);
  }

  #setQuota({ entity: parts, key, value, remove }: RecordValue<"ClientQuotaRecord">): void {
    const entity = quotaEntity(parts);
    const name = entityKey(entity);
    const before = this.#quotas.has(name) ? this.#quotas.get(name) : this.#base.quotas.get(name);
    const values = new Map(before?.values);
    if (remove) values.delete(key);
    else values.set(key, value);
    this.#quotas.set(name, values.size === 0 ? undefined : { entity, values });
  }

  #setFeature(name: string, level: number): void {
    if (name === METADATA_LEVEL && level > LATEST_LEVEL) {
      throw new UnreadableMetadataError(`the metadata is at level ${level}`);
    }
    this.#features ??= new Map(this.#base.features);
    this.#features.set(name, level);
  }

  #registerBroker(record: RecordValue<"RegisterBrokerRecord">): void {
    this.#brokers ??= new Map(this.#base.brokers);
    const { endPoints } = record;
    const endPoint = endPoints[0];
    const isPlain = endPoints.length <= 1 && (endPoint?.name ?? PLAINTEXT) === PLAINTEXT;
    this.#brokers.set(record.brokerId, {
      id: record.brokerId,
      epoch: record.brokerEpoch,
      incarnationId: record.incarnationId,
      host: endPoint?.host ?? "",
      port: endPoint?.port ?? 0,
      ...(!isPlain && { endPoints }),
      rack: record.rack,
      fenced: record.fenced,
      features: record.features.map(({ name, minSupportedVersion, maxSupportedVersion }) => {
        return { name, minVersion: minSupportedVersion, maxVersion: maxSupportedVersion };
      }),
    });
  }
}

const NO_REPLICAS: readonly number[] = [];

/** `known` if it lists the same brokers: most partitions share their lists, and there are many. */
function reuse(ids: readonly number[], known: readonly number[] = NO_REPLICAS): readonly number[] {
  return ids.length === known.length && ids.every((id, i) => id === known[i]) ? known : ids;
}
