import {
  AddPartitionsToTxn,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import { onEach } from "../security/permission.ts";
import type { PartitionVerdict } from "../transactions/operations/add-partitions.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows, allowsOnCluster } from "./allowed.ts";
import { fencedCode } from "./fenced-code.ts";
import { handler, type RequestContext, type Services } from "./handler.ts";

/**
 * AddPartitionsToTxn: v0-5. v2 PRODUCER_FENCED · v3 flexible · v4 several transactions, and
 * questions that add nothing (KIP-890): for other brokers, as in Kafka · v5 TRANSACTION_ABORTABLE.
 * If one partition does not exist, or the client may not write to it, none is added.
 */
export const addPartitionsToTxn = handler({
  api: AddPartitionsToTxn,
  versions: "0-5",
  authorize: [
    onEach("write", "transactionalId"),
    onEach("write", "topic"),
    onEach("clusterAction", "cluster"),
  ],
  handle,
  failure,
});

type Request = RequestOf<typeof AddPartitionsToTxn>;
type Response = ResponseInput<typeof AddPartitionsToTxn>;
type Transaction = Request["transactions"][number];
type Topics = Transaction["topics"];
type Results = NonNullable<Response["resultsByTransaction"]>;
type TopicResults = Results[number]["topicResults"];

const BATCHED_SINCE = 4;
const FENCED_SINCE = 2;
/** Clients of these versions add partitions themselves, and so do not bump epochs. */
const CLIENT_VERSION = 0;
/** Other brokers add what a batch of a newer client adds. */
const BROKER_VERSION = 2;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services, version } = context;
  if (version >= BATCHED_SINCE) {
    if (!allowsOnCluster(context, "clusterAction")) {
      return failure(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, context);
    }
    const resultsByTransaction = await answerTransactions(request.transactions, services);
    return { errorCode: ErrorCode.NONE, resultsByTransaction };
  }
  const one: Transaction = {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics,
  };
  if (!allows(context, "write", "transactionalId", one.transactionalId)) {
    return failure(request, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, context);
  }
  const mayWrite = (topic: string) => allows(context, "write", "topic", topic);
  const results = await answer(one, CLIENT_VERSION, services, mayWrite);
  return { resultsByTopicV3AndBelow: results.map((topic) => forVersion(topic, version)) };
}

/** One result for each transaction, in their order. */
export async function answerTransactions(
  transactions: readonly Transaction[],
  services: Services,
): Promise<Results> {
  return Promise.all(
    transactions.map(async (one) => ({
      transactionalId: one.transactionalId,
      topicResults: await answer(one, BROKER_VERSION, services),
    })),
  );
}

async function answer(
  transaction: Transaction,
  clientVersion: number,
  { transactions, metadata }: Services,
  mayWrite: (topic: string) => boolean = () => true,
): Promise<TopicResults> {
  const { topics, transactionalId, verifyOnly } = transaction;
  if (transactionalId === "") return resultsOf(topics, () => ErrorCode.INVALID_REQUEST);
  const isKnown = (topic: string, partition: number) =>
    metadata.image.topics.get(topic)?.partitions[partition] !== undefined;
  const areUsable = topics.every(({ name, partitions }) => {
    return mayWrite(name) && partitions.every((p) => isKnown(name, p));
  });
  if (!areUsable) {
    const { OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    return resultsOf(topics, (topic, partition) => {
      if (!mayWrite(topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
      return isKnown(topic, partition) ? OPERATION_NOT_ATTEMPTED : UNKNOWN_TOPIC_OR_PARTITION;
    });
  }
  try {
    if (verifyOnly) return resultsOf(topics, await transactions.verifyPartitions(transaction));
    const added = topics.map(({ name, partitions }) => ({ topic: name, partitionIds: partitions }));
    const errorCode = await transactions.addPartitions(transaction, added, clientVersion);
    return resultsOf(topics, () => errorCode);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return resultsOf(topics, () => error.errorCode as ErrorCode);
  }
}

function resultsOf(topics: Topics, codeOf: PartitionVerdict): TopicResults {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => {
      return { partitionIndex, partitionErrorCode: codeOf(name, partitionIndex) };
    }),
  }));
}

function forVersion(topic: TopicResults[number], version: number): TopicResults[number] {
  const resultsByPartition = topic.resultsByPartition.map((result) => {
    const partitionErrorCode = fencedCode(result.partitionErrorCode, version, FENCED_SINCE);
    return { ...result, partitionErrorCode };
  });
  return { ...topic, resultsByPartition };
}

function failure(request: Request, errorCode: ErrorCode, { version }: RequestContext): Response {
  if (version >= BATCHED_SINCE) return { errorCode, resultsByTransaction: [] };
  return { resultsByTopicV3AndBelow: resultsOf(request.v3AndBelowTopics, () => errorCode) };
}
