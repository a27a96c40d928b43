export { Admin, type NewTopic } from "./admin/admin.ts";
export type { ConfigEntry, ConfigResource } from "./admin/configs.ts";
export type { GroupOffset, PartitionLag } from "./admin/group-offsets.ts";
export type { GroupDescription, GroupFilter, GroupMember, ListedGroup } from "./admin/groups.ts";
export { Client, type ClientOptions } from "./client.ts";
export { Connection, type ConnectionOptions, type RequestOptions } from "./connection.ts";
export { type Assignment, Consumer, type ConsumerOptions } from "./consumer/consumer.ts";
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
export type { LogEnds } from "./log-ends.ts";
export type {
  BrokerAddress,
  ClusterMetadata,
  PartitionMetadata,
  TopicMetadata,
} from "./metadata.ts";
export type { OffsetSpec, TopicPartition } from "./offsets.ts";
export * from "./partitioner.ts";
export {
  type Acks,
  type CompressionName,
  Producer,
  type ProducerOptions,
} from "./producer/producer.ts";
export type { ConsumedRecord, HeaderInput, ProducerRecord, RecordMetadata } from "./record.ts";
export type { OnTrouble, Trouble } from "./trouble.ts";
