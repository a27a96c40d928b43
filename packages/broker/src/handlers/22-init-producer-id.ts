import { ErrorCode, InitProducerId, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { onEach } from "../security/permission.ts";
import { StateMachineError } from "../state-machine/replayed-state.ts";
import {
  type InitAnswer,
  initProducerId as init,
} from "../transactions/operations/init-producer-id.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { allows, allowsAnyTopic, allowsOnCluster } from "./allowed.ts";
import { fencedCode } from "./fenced-code.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * InitProducerId: v0-5. v2 flexible · v3 a producer may send the id it has (KIP-360; without a
 * transactional id it gets a new one, as in Kafka) · v4 PRODUCER_FENCED · v5 TRANSACTION_ABORTABLE.
 * With a transactional id its coordinator answers: producers that had the id before are fenced, and
 * a transaction that is open is aborted; meanwhile the answer is CONCURRENT_TRANSACTIONS. Without
 * one, who may write to any topic may ask (KIP-679).
 */
export const initProducerId = handler({
  api: InitProducerId,
  versions: "0-5",
  authorize: [
    onEach("idempotentWrite", "cluster"),
    onEach("write", "topic"),
    onEach("write", "transactionalId"),
  ],
  handle,
  failure,
});

type Request = RequestOf<typeof InitProducerId>;
type Response = ResponseInput<typeof InitProducerId>;

const NONE = -1;
const FENCED_SINCE = 4;

async function handle(request: Request, context: RequestContext): Promise<Response> {
  const { transactionalId, producerId, producerEpoch } = request;
  if (transactionalId === null) {
    const isAllowed =
      allowsAnyTopic(context, "write") || allowsOnCluster(context, "idempotentWrite");
    if (!isAllowed) return refusal(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  } else if (!allows(context, "write", "transactionalId", transactionalId)) {
    return refusal(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  }
  if (transactionalId === "") return failure(request, ErrorCode.INVALID_REQUEST);
  if ((producerId === NONE) !== (producerEpoch === NONE)) {
    return failure(request, ErrorCode.INVALID_REQUEST);
  }
  try {
    if (transactionalId !== null) return await transactional(transactionalId, request, context);
    const nextId = await context.services.metadata.nextProducerId();
    return { errorCode: ErrorCode.NONE, producerId: nextId, producerEpoch: 0 };
  } catch (error) {
    // As in Kafka: the client asks again soon.
    if (error instanceof KafkaError) {
      const { errorCode } = error;
      const { COORDINATOR_LOAD_IN_PROGRESS } = ErrorCode;
      return failure(request, transactionalId === null ? COORDINATOR_LOAD_IN_PROGRESS : errorCode);
    }
    if (!(error instanceof StateMachineError)) throw error;
    return failure(request, ErrorCode.KAFKA_STORAGE_ERROR);
  }
}

async function transactional(
  transactionalId: string,
  { transactionTimeoutMs: timeoutMs, producerId, producerEpoch }: Request,
  { services, version }: RequestContext,
): Promise<Response> {
  const { transactions, metadata } = services;
  if (timeoutMs <= 0 || timeoutMs > metadata.brokerConfig().transactionMaxTimeoutMs) {
    return refusal(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
  }
  const expected = producerId === NONE ? null : { producerId, producerEpoch };
  const serverVersion = metadata.transactionVersion;
  const request = { transactionalId, timeoutMs, expected, serverVersion };
  const answer = await transactions.decide<InitAnswer>(transactionalId, (newId, effects) =>
    init(request, newId, effects),
  );
  return { ...answer, errorCode: fencedCode(answer.errorCode, version, FENCED_SINCE) };
}

function failure(_request: Request, errorCode: number): Response {
  return refusal(errorCode);
}

function refusal(errorCode: number): Response {
  return { errorCode, producerId: NONE, producerEpoch: NONE };
}
