import {
  DescribeProducers,
  ErrorCode,
  errorOf,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import { listGroupTransactions } from "../groups/operations/list-transactions.ts";
import { CONSUMER_OFFSETS_TOPIC, topicNameProblem } from "../metadata/topic-names.ts";
import type { DescribedProducer } from "../partition/producer-states.ts";
import { onEach } from "../security/permission.ts";
import { joined } from "../transactions/model/transaction.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows } from "./allowed.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";

/**
 * DescribeProducers: v0. The producers that a partition's leader remembers, and where the open
 * transaction of each begins (KIP-664). Of `__consumer_offsets` those with an open transaction.
 */
export const describeProducers = handler({
  api: DescribeProducers,
  versions: "0",
  authorize: [onEach("read", "topic")],
  async handle({ topics }, context) {
    // Each partition once, however often it is named: the answer for one may be long.
    const asked = topics.map(({ name, partitionIndexes: partitionIds }) => {
      return { topic: name, partitionIds };
    });
    const answers = joined([], asked).map(async ({ topic: name, partitionIds }) => {
      const partitions = partitionIds.map((index) => describe(name, index, context));
      return { name, partitions: await Promise.all(partitions) };
    });
    return { topics: await Promise.all(answers) };
  },
  failure: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => refused(index, errorCode)),
    })),
  }),
});

type Described = ResponseInput<typeof DescribeProducers>["topics"][number]["partitions"][number];
type Index = RequestOf<typeof DescribeProducers>["topics"][number]["partitionIndexes"][number];

async function describe(topic: string, index: Index, context: RequestContext): Promise<Described> {
  const { services } = context;
  if (topicNameProblem(topic) !== null) return refused(index, ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (!allows(context, "read", "topic", topic)) {
    return refused(index, ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  }
  if (topic === CONSUMER_OFFSETS_TOPIC) return describeGroups(index, services);
  const partition = services.partitions.find(topic, index);
  if (typeof partition === "number") return refused(index, partition);
  return described(index, [...partition.describeProducers()]);
}

async function describeGroups(index: Index, { groups }: Services): Promise<Described> {
  try {
    const open = await groups.runOnPartition(index, listGroupTransactions);
    const producers = open.map(({ lastMs, startOffset, ...one }) => ({
      ...{ producerId: one.producerId, producerEpoch: one.producerEpoch },
      ...{ lastSequence: -1, lastTimestamp: lastMs, coordinatorEpoch: one.coordinatorEpoch },
      currentTxnStartOffset: startOffset,
    }));
    return described(index, producers);
  } catch (error) {
    if (error instanceof KafkaError) return refused(index, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    throw error;
  }
}

function described(partitionIndex: Index, activeProducers: DescribedProducer[]): Described {
  return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers };
}

function refused(partitionIndex: Index, errorCode: ErrorCode): Described {
  const errorMessage = errorOf(errorCode).message;
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}
