/**
 * AddPartitionsToTxn, versions 0-5.
 *
 * - v0: baseline
 * - v1: throttling happens after the response
 * - v2: may answer PRODUCER_FENCED (KIP-588)
 * - v3: flexible; the last version for clients
 * - v4: several transactions, verify only: for brokers (KIP-890)
 * - v5: may answer TRANSACTION_ABORTABLE (KIP-890)
 */
import { api, array, bool, i16, i32, offset, string } from "../schema.ts";

const addPartitionsToTxnTopic = {
  name: string,
  partitions: array(i32),
};

const addPartitionsToTxnPartitionResult = {
  partitionIndex: i32,
  partitionErrorCode: i16,
};

const addPartitionsToTxnTopicResult = {
  name: string,
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
};

export const AddPartitionsToTxn = api({
  key: 24,
  name: "AddPartitionsToTxn",
  versions: "0-5",
  flexible: "3+",
  request: {
    transactions: array({
      transactionalId: string,
      producerId: offset,
      producerEpoch: i16,
      verifyOnly: bool.default(false),
      topics: array(addPartitionsToTxnTopic),
    }).in("4+"),
    v3AndBelowTransactionalId: string.in("0-3"),
    v3AndBelowProducerId: offset.in("0-3"),
    v3AndBelowProducerEpoch: i16.in("0-3"),
    v3AndBelowTopics: array(addPartitionsToTxnTopic).in("0-3"),
  },
  response: {
    throttleTimeMs: i32.default(0),
    errorCode: i16.in("4+"),
    resultsByTransaction: array({
      transactionalId: string,
      topicResults: array(addPartitionsToTxnTopicResult),
    }).in("4+"),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult).in("0-3"),
  },
});
