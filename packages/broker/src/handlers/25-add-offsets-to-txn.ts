import { AddOffsetsToTxn, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { partitionOf } from "../coordinator/partition-of.ts";
import { CONSUMER_OFFSETS_TOPIC } from "../metadata/topic-names.ts";
import { onGroup, onTransactionalId } from "../security/permission.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { fencedCode } from "./fenced-code.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * AddOffsetsToTxn: v0-4. v2 PRODUCER_FENCED · v3 flexible · v4 TRANSACTION_ABORTABLE. Adds the
 * group's partition of `__consumer_offsets` to the transaction; from transactions v2 on
 * TxnOffsetCommit does that itself.
 */
export const addOffsetsToTxn = handler({
  api: AddOffsetsToTxn,
  versions: "0-4",
  authorize: [onTransactionalId("write"), onGroup("read")],
  handle,
  failure,
});

type Request = RequestOf<typeof AddOffsetsToTxn>;
type Response = ResponseInput<typeof AddOffsetsToTxn>;

const FENCED_SINCE = 2;

async function handle(request: Request, { services, version }: RequestContext): Promise<Response> {
  const { transactionalId, groupId } = request;
  const { groups, metadata, transactions } = services;
  if (transactionalId === "") return { errorCode: ErrorCode.INVALID_REQUEST };
  const missing = await groups.ensureTopic();
  if (missing !== ErrorCode.NONE) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE };
  const topic = CONSUMER_OFFSETS_TOPIC;
  const count = metadata.image.topics.get(topic)?.partitions.length ?? 0;
  const added = [{ topic, partitionIds: [partitionOf(groupId, count)] }];
  try {
    const errorCode = await transactions.addPartitions(request, added, 0);
    return { errorCode: fencedCode(errorCode, version, FENCED_SINCE) };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { errorCode: error.errorCode };
  }
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode };
}
