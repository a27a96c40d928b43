import { ErrorCode } from "@tarpan/protocol";
import {
  nameTaken,
  planTopic,
  type TopicPlan,
  type TopicSpec,
  tooManyPartitions,
  topicRecords,
} from "./decide-create-topics.ts";
import { HELD_TOPIC_PARTITIONS } from "./limits.ts";
import type { LocalController } from "./local-controller.ts";
import { DONE, type Outcome, refused } from "./outcome.ts";
import { newLogs } from "./partition-host.ts";
import { isRefusal } from "./placement.ts";
import { recordWithLogs } from "./record-with-logs.ts";
import { newTopicId, randomNumber } from "./topic-ids.ts";
import {
  CONSUMER_OFFSETS_TOPIC,
  isHeldTopic,
  metricNameOf,
  TRANSACTION_STATE_TOPIC,
} from "./topic-names.ts";

export interface CreateTopicsRequest {
  readonly topics: readonly TopicSpec[];
  readonly validateOnly: boolean;
  /** A coordinator asks for its own topic. */
  readonly internal: boolean;
}

/** One result per name. As in Kafka, a name that is in the request duplicates is refused. */
export interface CreateTopicsResponse {
  readonly topics: readonly CreatedTopic[];
}

export type CreatedTopic = Outcome & {
  readonly name: string;
  /** Present when the topic was created, or would have been with `validateOnly`. */
  readonly topic: NewTopic | null;
};

/** What a client is told about a new topic. */
export interface NewTopic {
  readonly id: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configs: TopicPlan["configs"];
}

type Planned = Outcome & { readonly name: string; readonly plan: TopicPlan | null };

export async function createTopics(
  controller: LocalController,
  { topics: specs, validateOnly, internal }: CreateTopicsRequest,
): Promise<CreateTopicsResponse> {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const names = [...byName.keys()];
  const tooMany = tooManyPartitions(specs, controller.brokerConfig());
  if (tooMany !== null) {
    return { topics: names.map((name) => ({ name, topic: null, ...tooMany })) };
  }
  const duplicates = new Set(
    specs.filter((spec) => byName.get(spec.name) !== spec).map((s) => s.name),
  );
  const topics = await controller.locks.hold(names, async () => {
    const alongside = new Map<string, string>();
    const context = { ...planContext(controller), alongside, internal };
    const planned = names.map((name): Planned => {
      if (duplicates.has(name)) return { name, plan: null, ...DUPLICATE_TOPIC };
      const plan = planTopic(controller.image, byName.get(name)!, context);
      if (isRefusal(plan)) return { name, plan: null, ...plan };
      alongside.set(metricNameOf(name), name);
      return { name, plan, ...DONE };
    });
    return validateOnly ? planned : createPlanned(controller, planned);
  });
  return { topics: topics.map(createdTopic) };
}

/** Creates `__consumer_offsets` with the partitions and replicas of the broker configs. */
export function createOffsetsTopic(controller: LocalController): Promise<Outcome> {
  const config = controller.brokerConfig();
  const topic = {
    name: CONSUMER_OFFSETS_TOPIC,
    numPartitions: config.offsetsTopicNumPartitions,
    replicationFactor: config.offsetsTopicReplicationFactor,
  };
  const configs = compacted("producer", config.offsetsTopicSegmentBytes);
  return createInternalTopic(controller, topic, configs);
}

/** Creates `__transaction_state` with the partitions and replicas of the broker configs. */
export function createTransactionTopic(controller: LocalController): Promise<Outcome> {
  const config = controller.brokerConfig();
  const topic = {
    name: TRANSACTION_STATE_TOPIC,
    numPartitions: config.transactionStateLogNumPartitions,
    replicationFactor: config.transactionStateLogReplicationFactor,
  };
  const configs = compacted("uncompressed", config.transactionStateLogSegmentBytes);
  return createInternalTopic(controller, topic, configs);
}

/** Creates a topic whose messages are held, with the replicas of `__consumer_offsets`. */
export async function createHeldTopic(
  controller: LocalController,
  { name }: { readonly name: string },
): Promise<Outcome> {
  if (!isHeldTopic(name)) {
    return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, `${name} does not hold messages`);
  }
  const { offsetsTopicReplicationFactor: replicationFactor } = controller.brokerConfig();
  const numPartitions = HELD_TOPIC_PARTITIONS;
  // Nothing is deleted by its age: the shards delete what they no longer need. A delay counts from
  // the append.
  return createInternalTopic(controller, { name, numPartitions, replicationFactor }, [
    { name: "cleanup.policy", value: "delete" },
    { name: "retention.ms", value: "-1" },
    { name: "retention.bytes", value: "-1" },
    { name: "message.timestamp.type", value: "LogAppendTime" },
  ]);
}

interface InternalTopic {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
}

function compacted(compressionType: string, segmentBytes: number): TopicSpec["configs"] {
  return [
    { name: "cleanup.policy", value: "compact" },
    { name: "compression.type", value: compressionType },
    { name: "segment.bytes", value: String(segmentBytes) },
  ];
}

async function createInternalTopic(
  controller: LocalController,
  { name, numPartitions, replicationFactor }: InternalTopic,
  configs: TopicSpec["configs"],
): Promise<Outcome> {
  const brokers = controller.image.brokers.size;
  const spec: TopicSpec = {
    ...{ name, numPartitions },
    // Fenced brokers count too: one that restarts must not cost the topic a replica for ever.
    replicationFactor: Math.min(replicationFactor, brokers),
    assignments: [],
    configs,
  };
  const request = { topics: [spec], internal: true, validateOnly: false };
  const { topics } = await createTopics(controller, request);
  const { errorCode, errorMessage } = topics[0]!;
  return { errorCode, errorMessage };
}

function planContext(controller: LocalController) {
  const { random } = controller;
  return {
    broker: controller.brokerConfig(),
    newTopicId: () => newTopicId(random),
    firstBroker: () => randomNumber(random),
    layers: controller.configs.layers(controller.image),
  };
}

async function createPlanned(
  controller: LocalController,
  planned: readonly Planned[],
): Promise<Planned[]> {
  const plans = planned.flatMap(({ plan }) => plan ?? []);
  const logs = (plan: TopicPlan) => newLogs(plan.name, plan.id, 0, plan.partitions);
  // No other request can have created this name (it is locked), but one that collides with it.
  const lost = await recordWithLogs(controller, plans, logs, (image, plan) => {
    return nameTaken(image, plan.name) ?? topicRecords(plan);
  });
  return planned.map((result) => {
    const refusal = result.plan === null ? undefined : lost.get(result.plan);
    return refusal === undefined ? result : { name: result.name, plan: null, ...refusal };
  });
}

function createdTopic({ plan, ...result }: Planned): CreatedTopic {
  if (plan === null) return { ...result, topic: null };
  const { id, partitions, configs } = plan;
  const replicationFactor = partitions[0]!.replicas.length;
  return {
    ...result,
    topic: { id, numPartitions: partitions.length, replicationFactor, configs },
  };
}

export const DUPLICATE_TOPIC = refused(
  ErrorCode.INVALID_REQUEST,
  "the topic is named more than once",
);
