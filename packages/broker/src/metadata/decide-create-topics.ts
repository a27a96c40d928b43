import { ErrorCode } from "@tarpan/protocol";
import type { BrokerLayers } from "../config/kafka/resolve.ts";
import { ResourceType } from "../config/kafka/set-configs.ts";
import type { BrokerConfig } from "../config/kafka/typed.ts";
import { topicConfigProblem } from "./config-problems.ts";
import type { MetadataImage, PartitionImage } from "./image.ts";
import { MAX_PARTITIONS_PER_REQUEST } from "./limits.ts";
import { type Outcome, refused } from "./outcome.ts";
import { isRefusal, type Placed, placeAsAssigned, placePartitions } from "./placement.ts";
import { configRecord, type MetadataRecord, partitionRecord, topicRecord } from "./records.ts";
import {
  CLUSTER_METADATA_TOPIC,
  isInternalTopic,
  metricNameOf,
  topicNameProblem,
} from "./topic-names.ts";

/** A topic of a CreateTopics request. */
export interface TopicSpec {
  readonly name: string;
  /** -1 for `num.partitions`; must be -1 with assignments. */
  readonly numPartitions: number;
  /** -1 for `default.replication.factor`; must be -1 with assignments. */
  readonly replicationFactor: number;
  readonly assignments: readonly {
    readonly partitionIndex: number;
    readonly brokerIds: readonly number[];
  }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

/** A valid topic that is not created yet: the content of its records. */
export interface TopicPlan {
  readonly name: string;
  readonly id: string;
  readonly partitions: readonly PartitionImage[];
  readonly configs: readonly { readonly name: string; readonly value: string }[];
}

export interface PlanContext {
  /** A coordinator asks for its own topic. */
  readonly internal: boolean;
  readonly broker: BrokerConfig;
  readonly newTopicId: () => string;
  /** A random number >= 0: the first partition's leader is the broker at this index (modulo). */
  readonly firstBroker: () => number;
  /** The broker's configs, which limit those of topics. */
  readonly layers: BrokerLayers;
  /** Topics that the same request creates before this one, by `metricNameOf`. */
  readonly alongside: ReadonlyMap<string, string>;
}

/** Refuses the whole request if it creates too many partitions (in Kafka POLICY_VIOLATION too). */
export function tooManyPartitions(
  specs: readonly TopicSpec[],
  broker: BrokerConfig,
): Outcome | null {
  let total = 0;
  for (const { numPartitions, assignments } of specs) {
    const asked = numPartitions === -1 ? broker.numPartitions : Math.max(0, numPartitions);
    total += assignments.length > 0 ? assignments.length : asked;
  }
  if (total <= MAX_PARTITIONS_PER_REQUEST) return null;
  const text = `one request may create ${MAX_PARTITIONS_PER_REQUEST} partitions, not ${total}`;
  return refused(ErrorCode.POLICY_VIOLATION, text);
}

/** Checks in Kafka's order: name, existence, configs, then partitions and replicas. */
export function planTopic(
  image: MetadataImage,
  spec: TopicSpec,
  context: PlanContext,
): TopicPlan | Outcome {
  const { name } = spec;
  const refusal = context.internal ? null : nameRefusal(name);
  const taken = refusal ?? nameTaken(image, name, context.alongside);
  if (taken !== null) return taken;
  const configs = new Map<string, string>();
  for (const { name: key, value } of spec.configs) {
    if (value === null) return refused(ErrorCode.INVALID_CONFIG, `config ${key} has no value`);
    configs.set(key, value);
  }
  const problem = topicConfigProblem(configs, context.layers);
  if (problem !== null) return refused(ErrorCode.INVALID_CONFIG, problem);
  const placed = spec.assignments.length > 0 ? assigned(image, spec) : spread(image, spec, context);
  if (isRefusal(placed)) return placed;
  return {
    name,
    id: context.newTopicId(),
    partitions: placed.partitions,
    configs: [...configs].map(([key, value]) => ({ name: key, value })),
  };
}

/** Kafka keeps clients from creating `__cluster_metadata`; Tarpan refuses all internal topics. */
function nameRefusal(name: string): Outcome | null {
  const problem = topicNameProblem(name);
  if (problem !== null) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  const reserved = `${name} is internal: clients can't create it`;
  if (name === CLUSTER_METADATA_TOPIC) return refused(ErrorCode.INVALID_REQUEST, reserved);
  return isInternalTopic(name) ? refused(ErrorCode.INVALID_TOPIC_EXCEPTION, reserved) : null;
}

/** Null if `name` is free. Unlike Kafka it also finds collisions within one request. */
export function nameTaken(
  image: MetadataImage,
  name: string,
  alongside: PlanContext["alongside"] = new Map(),
): Outcome | null {
  if (image.topics.has(name)) {
    return refused(ErrorCode.TOPIC_ALREADY_EXISTS, `topic '${name}' already exists`);
  }
  const metricName = metricNameOf(name);
  const other = alongside.get(metricName) ?? image.metricNames.get(metricName);
  if (other === undefined) return null;
  const text = `topic '${name}' collides with topic '${other}': '.' and '_' count as equal`;
  return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, text);
}

function assigned(image: MetadataImage, spec: TopicSpec): Placed {
  if (spec.replicationFactor !== -1 || spec.numPartitions !== -1) {
    const text = "with assignments, partitions and replication factor must both be -1";
    return refused(ErrorCode.INVALID_REQUEST, text);
  }
  const byPartition = new Map(spec.assignments.map((a) => [a.partitionIndex, a.brokerIds]));
  if (byPartition.size !== spec.assignments.length) {
    return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, "a partition is assigned twice");
  }
  const lists = spec.assignments.map((_, partition) => byPartition.get(partition));
  if (!lists.every((list) => list !== undefined)) {
    const text = "assigned partitions must be numbered from 0 without gaps";
    return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text);
  }
  return placeAsAssigned(image, lists, null);
}

function spread(image: MetadataImage, spec: TopicSpec, context: PlanContext): Placed {
  const { numPartitions, replicationFactor } = spec;
  if (replicationFactor < -1 || replicationFactor === 0) {
    const text = "the replication factor must be at least 1, or -1 for the default";
    return refused(ErrorCode.INVALID_REPLICATION_FACTOR, text);
  }
  if (numPartitions < -1 || numPartitions === 0) {
    const text = "the number of partitions must be at least 1, or -1 for the default";
    return refused(ErrorCode.INVALID_PARTITIONS, text);
  }
  const { broker, firstBroker } = context;
  const partitions = numPartitions === -1 ? broker.numPartitions : numPartitions;
  const replicas = replicationFactor === -1 ? broker.defaultReplicationFactor : replicationFactor;
  return placePartitions(image, partitions, replicas, firstBroker());
}

/** Records in Kafka's order: the topic, its configs, its partitions. */
export function topicRecords(plan: TopicPlan): MetadataRecord[] {
  return [
    topicRecord(plan.name, plan.id),
    ...plan.configs.map(({ name, value }) =>
      configRecord(ResourceType.topic, plan.name, name, value),
    ),
    ...plan.partitions.map((partition, index) => partitionRecord(plan.id, index, partition)),
  ];
}
