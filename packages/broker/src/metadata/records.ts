import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordName,
  metadataRecords,
  type Output,
  ProtocolError,
  type TopicRecord,
} from "@tarpan/protocol";
import { SecurityProtocol } from "../config/kafka/listener.ts";
import type { QuotaEntity } from "../quotas/quota-entity.ts";
import type { Acl } from "../security/acl.ts";
import { SCRAM_MECHANISMS, type ScramCredential, type ScramMechanism } from "../security/scram.ts";
import type { EncodedRecord } from "../state-machine/state-machine.ts";
import { type BrokerImage, type PartitionImage, PLAINTEXT } from "./image.ts";
import { UnreadableMetadataError } from "./unreadable-metadata.ts";

export type { MetadataRecord };

export type RecordValue<N extends MetadataRecordName> = Output<
  (typeof metadataRecords)[N]["fields"]
>;

/** `PartitionChangeRecord.leader` when the leader stays (Kafka's `NO_LEADER_CHANGE`). */
export const LEADER_UNCHANGED = -2;

/**
 * Kafka's tools read these records too. The oldest version has all fields that are needed. A newer
 * one needs a level: record-levels.ts.
 */
const VERSION = 0;

export function encodeRecord({ record, version, value }: MetadataRecord): EncodedRecord {
  const schema = metadataRecords[record] as typeof TopicRecord;
  return { key: null, value: encodeMetadataRecord(schema, version, value as never) };
}

export function decodeRecord({ value }: EncodedRecord): MetadataRecord {
  if (value === null) throw new Error("a metadata record without a value");
  try {
    return decodeMetadataRecord(value);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new UnreadableMetadataError(`the metadata has ${cause.message}`, { cause });
  }
}

export function topicRecord(name: string, topicId: string): MetadataRecord {
  return { record: "TopicRecord", version: VERSION, value: { name, topicId } };
}

export function removeTopicRecord(topicId: string): MetadataRecord {
  return { record: "RemoveTopicRecord", version: VERSION, value: { topicId } };
}

export function partitionRecord(
  topicId: string,
  partitionId: number,
  partition: PartitionImage,
): MetadataRecord {
  const value = {
    topicId,
    partitionId,
    replicas: [...partition.replicas],
    isr: [...partition.isr],
    removingReplicas: [...partition.removing],
    addingReplicas: [...partition.adding],
    leader: partition.leader,
    leaderRecoveryState: 0,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: [],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  };
  return { record: "PartitionRecord", version: VERSION, value };
}

/** Fields that are left out stay as they are. */
export interface PartitionChange {
  /** Starts a new leader epoch, even if it is the present leader. */
  readonly leader?: number;
  readonly isr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly adding?: readonly number[];
  readonly removing?: readonly number[];
}

export function partitionChangeRecord(
  topicId: string,
  partitionId: number,
  { leader, isr, replicas, adding, removing }: PartitionChange,
): MetadataRecord {
  const value = {
    topicId,
    partitionId,
    isr: isr === undefined ? null : [...isr],
    leader: leader ?? LEADER_UNCHANGED,
    replicas: replicas === undefined ? null : [...replicas],
    removingReplicas: removing === undefined ? null : [...removing],
    addingReplicas: adding === undefined ? null : [...adding],
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  };
  return { record: "PartitionChangeRecord", version: VERSION, value };
}

/** Null deletes the config. */
export function configRecord(
  resourceType: number,
  resourceName: string,
  name: string,
  configValue: string | null,
): MetadataRecord {
  const value = { resourceType, resourceName, name, value: configValue };
  return { record: "ConfigRecord", version: VERSION, value };
}

export function featureRecord(name: string, featureLevel: number): MetadataRecord {
  return { record: "FeatureLevelRecord", version: VERSION, value: { name, featureLevel } };
}

export function producerIdsRecord(brokerId: number, nextProducerId: number): MetadataRecord {
  const value = { brokerId, brokerEpoch: -1, nextProducerId };
  return { record: "ProducerIdsRecord", version: VERSION, value };
}

export function aclRecord(id: string, acl: Acl): MetadataRecord {
  return { record: "AccessControlEntryRecord", version: VERSION, value: { id, ...acl } };
}

export function removeAclRecord(id: string): MetadataRecord {
  return { record: "RemoveAccessControlEntryRecord", version: VERSION, value: { id } };
}

export function scramCredentialRecord(
  name: string,
  mechanism: ScramMechanism,
  credential: ScramCredential,
): MetadataRecord {
  const value = { name, mechanism: SCRAM_MECHANISMS[mechanism].type, ...credential };
  return { record: "UserScramCredentialRecord", version: VERSION, value };
}

export function removeScramCredentialRecord(name: string, mechanism: number): MetadataRecord {
  return {
    record: "RemoveUserScramCredentialRecord",
    version: VERSION,
    value: { name, mechanism },
  };
}

/** Null removes the quota. */
export function clientQuotaRecord(
  entity: QuotaEntity,
  key: string,
  quota: number | null,
): MetadataRecord {
  const value = { entity: [...entity], key, value: quota ?? 0, remove: quota === null };
  return { record: "ClientQuotaRecord", version: VERSION, value };
}

export function unregisterBrokerRecord(broker: BrokerImage): MetadataRecord {
  const value = { brokerId: broker.id, brokerEpoch: broker.epoch };
  return { record: "UnregisterBrokerRecord", version: VERSION, value };
}

export function registerBrokerRecord(broker: BrokerImage): MetadataRecord {
  const { host, port } = broker;
  const plain = { name: PLAINTEXT, host, port, securityProtocol: SecurityProtocol.PLAINTEXT };
  const value = {
    brokerId: broker.id,
    isMigratingZkBroker: false,
    incarnationId: broker.incarnationId,
    brokerEpoch: broker.epoch,
    endPoints: [...(broker.endPoints ?? [plain])],
    features: broker.features.map(({ name, minVersion, maxVersion }) => {
      return { name, minSupportedVersion: minVersion, maxSupportedVersion: maxVersion };
    }),
    rack: broker.rack,
    fenced: broker.fenced,
    inControlledShutdown: false,
    logDirs: [],
    cordonedLogDirs: null,
  };
  return { record: "RegisterBrokerRecord", version: VERSION, value };
}
