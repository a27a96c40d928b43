export type { CertifiedKey, KeystoreOptions, StoreOptions } from "@tarpan/keystores";
export { ACL_OPERATIONS, type Acl, type AclFilter, aclText } from "./admin/acls.ts";
export { Admin } from "./admin/admin.ts";
export type { ConfigEntry, ConfigResource } from "./admin/configs.ts";
export type { GroupOffset, PartitionLag } from "./admin/group-offsets.ts";
export type { GroupDescription, GroupFilter, GroupMember, ListedGroup } from "./admin/groups.ts";
export type { FindHangingOptions, HangingTransaction } from "./admin/hanging-transactions.ts";
export type { LogEnds } from "./admin/log-ends.ts";
export type { ClientQuota, QuotaEntity } from "./admin/quotas.ts";
export type { NewTopic } from "./admin/topics.ts";
export type {
  ActiveProducer,
  ListedTransaction,
  TransactionDescription,
  TransactionFilter,
} from "./admin/transactions.ts";
export type { NewScramCredential, ScramMechanism, ScramUser } from "./admin/users.ts";
export type { CheckBackProducerOptions } from "./check-back/check-back-options.ts";
export {
  CheckBackProducer,
  type CheckBackResult,
  type CheckBackSend,
} from "./check-back/check-back-producer.ts";
export type { Listener } from "./check-back/listener-calls.ts";
export type { HalfRecord, LocalOutcome, LocalTransaction } from "./check-back/transaction.ts";
export { Client, type ClientOptions } from "./connection/client.ts";
export {
  Connection,
  type ConnectionOptions,
  type RequestOptions,
} from "./connection/connection.ts";
export { readKeystore, readTruststore } from "./connection/key-stores.ts";
export type {
  BrokerAddress,
  ClusterMetadata,
  PartitionMetadata,
  TopicMetadata,
} from "./connection/metadata.ts";
export {
  type ClientCredentialsOptions,
  oauthClientCredentials,
} from "./connection/oauth-client-credentials.ts";
export type { IsolationLevel, OffsetSpec, TopicPartition } from "./connection/offsets.ts";
export type {
  BearerToken,
  PasswordOptions,
  SaslOptions,
  TlsOptions,
  TokenOptions,
  TokenProvider,
} from "./connection/security.ts";
export type { OnTrouble, Trouble } from "./connection/trouble.ts";
export { type Assignment, Consumer, type ConsumerOptions } from "./consumer/consumer.ts";
export { type DeadLetterStatistics, DeadLetters } from "./dead-letters/dead-letters.ts";
export type { DeadLetter, DeadLetterFilter } from "./dead-letters/letter.ts";
export type { RedriveOptions, RedriveProgress } from "./dead-letters/redrive.ts";
export * from "./errors.ts";
export type {
  Assignor,
  AssignorMember,
  GroupAssignment,
  PartitionCounts,
} from "./group/assignors/assignor.ts";
export type { AssignorName } from "./group/assignors/index.ts";
export { GroupConsumer } from "./group/group-consumer.ts";
export type { GroupConsumerOptions } from "./group/group-consumer-options.ts";
export {
  DelayedProducer,
  type DelayedProducerOptions,
  type DelayedSend,
} from "./producer/delayed-producer.ts";
export type { DeliveryTime } from "./producer/delayed-record.ts";
export { OrderedProducer, type OrderedProducerOptions } from "./producer/ordered-producer.ts";
export {
  hashPartitioner,
  keyPartition,
  manualPartitioner,
  type Partitioner,
  type PartitionerName,
  randomPartitioner,
  roundRobinPartitioner,
  stickyPartitioner,
} from "./producer/partitioner.ts";
export { Producer } from "./producer/producer.ts";
export type { Acks, CompressionName, ProducerOptions } from "./producer/producer-options.ts";
export type { ConsumedRecord, HeaderInput, ProducerRecord, RecordMetadata } from "./record.ts";
export type {
  DeadLetterOptions,
  HandlerContext,
  RetryPolicy,
  RunOptions,
} from "./runner/run-options.ts";
export {
  TransactionalProducer,
  type TransactionalProducerOptions,
} from "./transactions/transactional-producer.ts";
