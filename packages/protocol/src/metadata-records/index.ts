import { RegisterBrokerRecord } from "./00-register-broker.ts";
import { UnregisterBrokerRecord } from "./01-unregister-broker.ts";
import { TopicRecord } from "./02-topic.ts";
import { PartitionRecord } from "./03-partition.ts";
import { ConfigRecord } from "./04-config.ts";
import { PartitionChangeRecord } from "./05-partition-change.ts";
import { RemoveTopicRecord } from "./09-remove-topic.ts";
import { UserScramCredentialRecord } from "./11-user-scram-credential.ts";
import { FeatureLevelRecord } from "./12-feature-level.ts";
import { ClientQuotaRecord } from "./14-client-quota.ts";
import { ProducerIdsRecord } from "./15-producer-ids.ts";
import { AccessControlEntryRecord } from "./18-access-control-entry.ts";
import { RemoveAccessControlEntryRecord } from "./19-remove-access-control-entry.ts";
import { RemoveUserScramCredentialRecord } from "./22-remove-user-scram-credential.ts";

export {
  AccessControlEntryRecord,
  ClientQuotaRecord,
  ConfigRecord,
  FeatureLevelRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RemoveAccessControlEntryRecord,
  RemoveTopicRecord,
  RemoveUserScramCredentialRecord,
  TopicRecord,
  UnregisterBrokerRecord,
  UserScramCredentialRecord,
};

/** The record types of the cluster metadata log, by name. */
export const metadataRecords = {
  RegisterBrokerRecord,
  UnregisterBrokerRecord,
  TopicRecord,
  PartitionRecord,
  ConfigRecord,
  PartitionChangeRecord,
  RemoveTopicRecord,
  FeatureLevelRecord,
  ClientQuotaRecord,
  ProducerIdsRecord,
  AccessControlEntryRecord,
  RemoveAccessControlEntryRecord,
  UserScramCredentialRecord,
  RemoveUserScramCredentialRecord,
} as const;
