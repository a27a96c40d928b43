import { EndTxn, ErrorCode, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { onTransactionalId } from "../security/permission.ts";
import { type EndAnswer, endTransaction } from "../transactions/operations/end-transaction.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { fencedCode } from "./fenced-code.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * EndTxn: v0-5. v2 PRODUCER_FENCED · v3 flexible · v4 TRANSACTION_ABORTABLE · v5 an epoch for each
 * transaction: the answer has the producer's next id and epoch (KIP-890). It is answered when the
 * decision is durable; the markers are written after that.
 */
export const endTxn = handler({
  api: EndTxn,
  versions: "0-5",
  authorize: [onTransactionalId("write")],
  handle,
  failure,
});

type Request = RequestOf<typeof EndTxn>;
type Response = ResponseInput<typeof EndTxn>;

const FENCED_SINCE = 2;
const BUMPS_EPOCH_SINCE = 5;

async function handle(request: Request, { services, version }: RequestContext): Promise<Response> {
  const { transactionalId, producerId, producerEpoch, committed: isCommit } = request;
  if (transactionalId === "") return failure(request, ErrorCode.INVALID_REQUEST);
  const clientVersion = version >= BUMPS_EPOCH_SINCE ? 2 : 0;
  const asked = { transactionalId, producerId, producerEpoch, isCommit, clientVersion };
  try {
    const answer = await services.transactions.decide<EndAnswer>(
      transactionalId,
      (newProducerId, effects) => endTransaction(asked, newProducerId, effects),
    );
    return { ...answer, errorCode: fencedCode(answer.errorCode, version, FENCED_SINCE) };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return failure(request, error.errorCode);
  }
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, producerId: -1, producerEpoch: -1 };
}
