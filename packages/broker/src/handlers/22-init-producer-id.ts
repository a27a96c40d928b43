import { ErrorCode, InitProducerId, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { onEach } from "../security/permission.ts";
import { StateMachineError } from "../state-machine/replayed-state.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * InitProducerId: v0-5, for idempotent producers. v2 flexible · v3 a producer may send the id it
 * has (KIP-360; without a transactional id it gets a new one, as in Kafka) · v4 PRODUCER_FENCED ·
 * v5 TRANSACTION_ABORTABLE. Not done: transactions. A transactional id is answered with
 * UNSUPPORTED_VERSION: clients treat it as fatal and show it to their user. Only librdkafka asks
 * again, with a warning each time, until its caller's time-out, and shows it then. With
 * COORDINATOR_NOT_AVAILABLE, the answer of a Kafka broker without a coordinator, clients would ask
 * again until their time-out and not learn the reason.
 */
export const initProducerId = handler({
  api: InitProducerId,
  versions: "0-5",
  authorize: [onEach("idempotentWrite", "cluster")],
  handle,
  failure,
});

type Request = RequestOf<typeof InitProducerId>;
type Response = ResponseInput<typeof InitProducerId>;

const NONE = -1;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  const { transactionalId, producerId, producerEpoch } = request;
  if (transactionalId === "") return failure(request, ErrorCode.INVALID_REQUEST);
  if (transactionalId !== null) return failure(request, ErrorCode.UNSUPPORTED_VERSION);
  if ((producerId === NONE) !== (producerEpoch === NONE)) {
    return failure(request, ErrorCode.INVALID_REQUEST);
  }
  try {
    const nextId = await services.metadata.nextProducerId();
    return { errorCode: ErrorCode.NONE, producerId: nextId, producerEpoch: 0 };
  } catch (error) {
    // As in Kafka: the client asks again soon.
    if (error instanceof KafkaError) {
      return failure(request, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    }
    if (!(error instanceof StateMachineError)) throw error;
    return failure(request, ErrorCode.KAFKA_STORAGE_ERROR);
  }
}

function failure(_request: Request, errorCode: number): Response {
  return { errorCode, producerId: NONE, producerEpoch: NONE };
}
