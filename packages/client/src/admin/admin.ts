import { DeleteRecords } from "@tarpan/protocol";
import {
  anyString,
  check,
  checkOptions,
  eitherOf,
  integer,
  listOf,
  mapOf,
  nonEmptyString,
  nullable,
  oneOf,
  shape,
} from "../checks/checks.ts";
import {
  groupOffsetList,
  nonEmptyStrings,
  offsetNumber,
  offsetSpec,
  partitionList,
  partitionNumber,
  timeoutMs,
  topicName,
  topicPartition,
} from "../checks/values.ts";
import type { Client } from "../connection/client.ts";
import type { ClusterMetadata, TopicMetadata } from "../connection/metadata.ts";
import {
  type IsolationLevel,
  type OffsetSpec,
  resolveOffset,
  type TopicPartition,
} from "../connection/offsets.ts";
import { requireClient } from "../connection/require-client.ts";
import { assertOk } from "../errors.ts";
import {
  type Acl,
  type AclFilter,
  aclCheck,
  aclFilterChecks,
  createAcls,
  deleteAcls,
  describeAcls,
} from "./acls.ts";
import { alterConfigs, type ConfigEntry, type ConfigResource, describeConfigs } from "./configs.ts";
import {
  alterGroupOffsets,
  deleteGroupOffsets,
  type GroupOffset,
  groupLag,
  groupOffsets,
  type PartitionLag,
} from "./group-offsets.ts";
import {
  deleteGroup,
  describeGroup,
  type GroupDescription,
  type GroupFilter,
  type ListedGroup,
  listGroups,
} from "./groups.ts";
import {
  type FindHangingOptions,
  findHangingTransactions,
  type HangingTransaction,
} from "./hanging-transactions.ts";
import { type LogEnds, logEnds } from "./log-ends.ts";
import { createPartitions, createTopic, deleteTopic, type NewTopic, newTopic } from "./topics.ts";
import {
  type ActiveProducer,
  abortTransaction,
  describeProducers,
  describeTransaction,
  type ListedTransaction,
  listTransactions,
  type TransactionDescription,
  type TransactionFilter,
} from "./transactions.ts";
import {
  deleteCredential,
  describeUsers,
  type NewScramCredential,
  newScramCredential,
  type ScramMechanism,
  type ScramUser,
  scramMechanism,
  upsertCredential,
} from "./users.ts";

const configResource = shape({ type: oneOf("topic", "broker"), name: anyString });

/**
 * Manages topics, configs, groups and transactions. Every method rejects with a ClientError whose
 * message names the topic, group, transactional id or broker.
 */
export class Admin {
  readonly #client: Client;

  constructor(client: Client) {
    requireClient("new Admin", client);
    this.#client = client;
  }

  /**
   * Creates a topic; with `validateOnly` the broker only checks whether it could. Resolves to the
   * number of partitions and replicas; both are -1 from brokers older than KIP-525.
   */
  async createTopic(
    topic: NewTopic,
    { validateOnly = false } = {},
  ): Promise<{ name: string; partitions: number; replicas: number }> {
    checkOptions("createTopic", topic, newTopic, ["name"]);
    return createTopic(this.#client, topic, validateOnly);
  }

  /** All topics, sorted by name; internal topics only with `internal`. */
  async listTopics({ internal = false } = {}): Promise<TopicMetadata[]> {
    const topics = await this.#client.allTopics();
    return topics
      .filter((topic) => internal || !topic.isInternal)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Always asks a broker. Rejects with TARPAN_UNKNOWN_TOPIC if the topic does not exist. */
  async describeTopic(name: string): Promise<TopicMetadata> {
    check("name", name, topicName);
    this.#client.forget(name);
    return this.#client.topic(name);
  }

  async deleteTopic(name: string): Promise<void> {
    check("name", name, topicName);
    return deleteTopic(this.#client, name);
  }

  /** Raises the topic's number of partitions to `count`. */
  async createPartitions(name: string, count: number): Promise<void> {
    check("name", name, topicName);
    check("count", count, integer(1));
    return createPartitions(this.#client, name, count);
  }

  /** The configs of a topic or broker named in `keys`, or all of them. */
  async describeConfigs(
    resource: ConfigResource,
    keys: string[] | null = null,
  ): Promise<ConfigEntry[]> {
    check("resource", resource, configResource);
    check("keys", keys, nullable(nonEmptyStrings));
    return describeConfigs(this.#client, resource, keys);
  }

  /** Sets the configs in `changes` and no others; null resets a config to its default. */
  async alterConfigs(
    resource: ConfigResource,
    changes: Readonly<Record<string, string | null>>,
  ): Promise<void> {
    check("resource", resource, configResource);
    check("changes", changes, mapOf(nullable(anyString)));
    return alterConfigs(this.#client, resource, changes);
  }

  /**
   * The offset of one partition at the start or end of its log, or at a timestamp. For readers of
   * committed records the log ends at the last stable offset.
   */
  async offset(
    at: TopicPartition,
    spec: OffsetSpec,
    isolationLevel: IsolationLevel = "read_uncommitted",
  ): Promise<number> {
    check("at", at, topicPartition);
    check("offset", spec, offsetSpec);
    check("isolationLevel", isolationLevel, oneOf("read_uncommitted", "read_committed"));
    return resolveOffset(this.#client, at, spec, isolationLevel);
  }

  /**
   * The first and the end offset of each partition, in the order of `topic.partitions`; an Error
   * for each partition whose leader does not answer within 2 s. Nothing is retried.
   */
  logEnds(topic: TopicMetadata): Promise<(LogEnds | Error)[]> {
    return logEnds(this.#client, topic);
  }

  /**
   * Deletes the records before `offset`, all of them if it is -1. Resolves to the partition's new
   * first offset.
   */
  async deleteRecords(at: TopicPartition, offset: number): Promise<number> {
    check("at", at, topicPartition);
    check("offset", offset, eitherOf(oneOf(-1), offsetNumber));
    const { topic, partition } = at;
    const about = `${topic}-${partition}`;
    return this.#client.retrying(`deleting records of ${about}`, async () => {
      const leader = await this.#client.leaderOf(await this.#client.topic(topic), partition);
      const topics = [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }];
      const body = { topics, timeoutMs: this.#client.timeoutMs };
      const answer = (await leader.request(DeleteRecords, body)).topics[0]!.partitions[0]!;
      if (answer.errorCode !== 0) this.#client.forget(topic);
      assertOk(answer.errorCode, about);
      return answer.lowWatermark;
    });
  }

  describeCluster(): Promise<ClusterMetadata> {
    return this.#client.cluster();
  }

  /** The groups of all brokers that match `filter`, sorted by group id. */
  async listGroups(filter: GroupFilter = {}): Promise<ListedGroup[]> {
    checkOptions("listGroups", filter, { states: nonEmptyStrings, types: nonEmptyStrings });
    return listGroups(this.#client, filter);
  }

  /** A classic or a consumer group. Rejects with GROUP_ID_NOT_FOUND if it does not exist. */
  async describeGroup(groupId: string): Promise<GroupDescription> {
    check("groupId", groupId, nonEmptyString);
    return describeGroup(this.#client, groupId);
  }

  /**
   * Deletes groups one by one, and stops at the first that fails: NON_EMPTY_GROUP,
   * GROUP_ID_NOT_FOUND.
   */
  async deleteGroups(groupIds: readonly string[]): Promise<void> {
    check("groupIds", groupIds, nonEmptyStrings);
    for (const groupId of groupIds) await deleteGroup(this.#client, groupId);
  }

  /** All offsets that a group has committed. Empty if the group does not exist, as in Kafka. */
  async groupOffsets(groupId: string): Promise<Required<GroupOffset>[]> {
    check("groupId", groupId, nonEmptyString);
    return groupOffsets(this.#client, groupId);
  }

  /** Commits for a group without members. Rejects with UNKNOWN_MEMBER_ID while it has members. */
  async alterGroupOffsets(groupId: string, offsets: readonly GroupOffset[]): Promise<void> {
    check("groupId", groupId, nonEmptyString);
    check("offsets", offsets, groupOffsetList);
    return alterGroupOffsets(this.#client, groupId, offsets);
  }

  /**
   * Deletes committed offsets (KIP-496). Rejects with GROUP_SUBSCRIBED_TO_TOPIC while a member
   * subscribes to one of the topics.
   */
  async deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    check("groupId", groupId, nonEmptyString);
    check("partitions", partitions, partitionList);
    return deleteGroupOffsets(this.#client, groupId, partitions);
  }

  /** The group's lag in every partition that it has committed or that a member is assigned. */
  async groupLag(groupId: string): Promise<PartitionLag[]> {
    check("groupId", groupId, nonEmptyString);
    return groupLag(this.#client, groupId);
  }

  /** The transactional ids of all brokers that match `filter`, sorted. */
  async listTransactions(filter: TransactionFilter = {}): Promise<ListedTransaction[]> {
    const filters = { states: nonEmptyStrings, producerIds: listOf(offsetNumber) };
    checkOptions("listTransactions", filter, filters);
    return listTransactions(this.#client, filter);
  }

  /** Rejects with TRANSACTIONAL_ID_NOT_FOUND if no transaction of this id is remembered. */
  async describeTransaction(transactionalId: string): Promise<TransactionDescription> {
    check("transactionalId", transactionalId, nonEmptyString);
    return describeTransaction(this.#client, transactionalId);
  }

  /** The producers that the partition's leader remembers, and their open transactions. */
  async describeProducers(at: TopicPartition): Promise<ActiveProducer[]> {
    check("at", at, topicPartition);
    return describeProducers(this.#client, at);
  }

  /**
   * The open transactions that no coordinator will end: they hold up readers of committed records
   * until `abortTransaction` ends them (KIP-664).
   */
  async findHangingTransactions(options: FindHangingOptions = {}): Promise<HangingTransaction[]> {
    const checks = { topic: topicName, partition: partitionNumber, maxTimeoutMs: timeoutMs };
    checkOptions("findHangingTransactions", options, checks);
    return findHangingTransactions(this.#client, options);
  }

  /**
   * Aborts the transaction that begins at `startOffset` in one partition, whatever its coordinator
   * knows: meant for hanging transactions only. Rejects with TARPAN_NO_TRANSACTION if none begins
   * there.
   */
  async abortTransaction(at: TopicPartition, startOffset: number): Promise<void> {
    check("at", at, topicPartition);
    check("startOffset", startOffset, offsetNumber);
    return abortTransaction(this.#client, at, startOffset);
  }

  /**
   * Creates ACLs; one that exists already is left as it is. Rejects with the first refusal; the
   * others are created then. SECURITY_DISABLED: the brokers have no authorizer.
   */
  async createAcls(acls: readonly Acl[]): Promise<void> {
    check("acls", acls, listOf(aclCheck));
    return createAcls(this.#client, acls);
  }

  /** The ACLs that match `filter`. */
  async describeAcls(filter: AclFilter = {}): Promise<Acl[]> {
    checkOptions("describeAcls", filter, aclFilterChecks);
    return describeAcls(this.#client, filter);
  }

  /** Deletes all ACLs that match one of the filters, and resolves to them. `{}` matches all. */
  async deleteAcls(filters: readonly AclFilter[]): Promise<Acl[]> {
    for (const filter of filters) checkOptions("deleteAcls", filter, aclFilterChecks);
    return deleteAcls(this.#client, filters);
  }

  /** The users of `names` that exist, or all users, with their mechanisms. Sorted by name. */
  async describeUserScramCredentials(names: readonly string[] | null = null): Promise<ScramUser[]> {
    check("names", names, nullable(nonEmptyStrings));
    return describeUsers(this.#client, names);
  }

  /** Creates a user, or changes the password, for log-ins by one mechanism (KIP-554). */
  async upsertUserScramCredential(name: string, credential: NewScramCredential): Promise<void> {
    check("name", name, nonEmptyString);
    const required = ["mechanism", "password"] as const;
    checkOptions("upsertUserScramCredential", credential, newScramCredential, required);
    return upsertCredential(this.#client, name, credential);
  }

  /** Rejects with RESOURCE_NOT_FOUND if the user has no credential for the mechanism. */
  async deleteUserScramCredential(name: string, mechanism: ScramMechanism): Promise<void> {
    check("name", name, nonEmptyString);
    check("mechanism", mechanism, scramMechanism);
    return deleteCredential(this.#client, name, mechanism);
  }
}
