import type { MetadataRecord, MetadataRecordName } from "@tarpan/protocol";

/**
 * Levels of the metadata. Each level adds kinds of records to `__cluster_metadata`, which releases
 * of a lower level can't read: they end when they find one. Kafka has `metadata.version` for this;
 * its numbers are those of Kafka's releases, so Tarpan has a feature of its own (ADR 50).
 *
 * Whoever adds a kind of record, writes a newer version of one, or gives a field a meaning that
 * older releases would miss, adds a level here. Levels are never removed, nor do they change.
 */
export const METADATA_LEVEL = "tarpan.metadata.version";

/** What each level adds, in the words of messages. */
const ADDED = ["topics, configs and brokers", "ACLs", "users", "quotas"] as const;

/** All releases read it. */
export const FIRST_LEVEL = 1;

/** What this release reads. */
export const LATEST_LEVEL = ADDED.length;

/** What the latest of those releases read that do not tell their level when they register. */
export const LAST_UNTOLD_LEVEL = 4;

const LEVELS: Readonly<Record<MetadataRecordName, number>> = {
  RegisterBrokerRecord: 1,
  UnregisterBrokerRecord: 1,
  TopicRecord: 1,
  PartitionRecord: 1,
  ConfigRecord: 1,
  PartitionChangeRecord: 1,
  RemoveTopicRecord: 1,
  FeatureLevelRecord: 1,
  ProducerIdsRecord: 1,
  AccessControlEntryRecord: 2,
  RemoveAccessControlEntryRecord: 2,
  UserScramCredentialRecord: 3,
  RemoveUserScramCredentialRecord: 3,
  ClientQuotaRecord: 4,
};

/** The level that a broker needs to read the record. */
export function levelOfRecord({ record }: MetadataRecord): number {
  return LEVELS[record];
}

/** Undefined for a level of later releases. */
export function addedBy(level: number): string | undefined {
  return ADDED[level - 1];
}
