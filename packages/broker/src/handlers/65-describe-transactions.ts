import {
  DescribeTransactions,
  ErrorCode,
  type RequestOf,
  type ResponseInput,
} from "@tarpan/protocol";
import { onEach } from "../security/permission.ts";
import { describeTransaction } from "../transactions/operations/describe-transaction.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows, couldDo } from "./allowed.ts";
import { handler, type RequestContext } from "./handler.ts";

/** DescribeTransactions: v0. Answered by the coordinator of each transactional id (KIP-664). */
export const describeTransactions = handler({
  api: DescribeTransactions,
  versions: "0",
  authorize: [onEach("describe", "transactionalId"), onEach("describe", "topic")],
  handle,
  failure: ({ transactionalIds }, errorCode) => ({
    transactionStates: transactionalIds.map((id) => refusal(id, errorCode)),
  }),
});

type Request = RequestOf<typeof DescribeTransactions>;
type Response = ResponseInput<typeof DescribeTransactions>;
type State = Response["transactionStates"][number];

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { services } = context;
  // Each id once, however often it is named: the answer for one may be long.
  const transactionalIds = [...new Set(request.transactionalIds)];
  const described = transactionalIds.map(async (transactionalId): Promise<State> => {
    if (!allows(context, "describe", "transactionalId", transactionalId)) {
      return refusal(transactionalId, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    }
    if (transactionalId === "") return refusal(transactionalId, ErrorCode.INVALID_REQUEST);
    try {
      const operation = describeTransaction(transactionalId);
      const found = await services.transactions.run(transactionalId, operation);
      if (found === null) return refusal(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
      return {
        ...{ errorCode: ErrorCode.NONE, transactionalId, transactionState: found.state },
        transactionTimeoutMs: found.timeoutMs,
        transactionStartTimeMs: found.startMs,
        ...{ producerId: found.producerId, producerEpoch: found.producerEpoch },
        topics: found.partitions
          .filter(({ topic }) => couldDo(context, "describe", "topic", topic))
          .map(({ topic, partitionIds: partitions }) => ({ topic, partitions: [...partitions] })),
      };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return refusal(transactionalId, error.errorCode);
    }
  });
  return { transactionStates: await Promise.all(described) };
}

function refusal(transactionalId: string, errorCode: number): State {
  const nothing = { transactionState: "", transactionTimeoutMs: 0, transactionStartTimeMs: 0 };
  return { errorCode, transactionalId, ...nothing, producerId: 0, producerEpoch: 0, topics: [] };
}
