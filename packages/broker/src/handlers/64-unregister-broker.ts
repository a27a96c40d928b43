import { type RequestOf, type ResponseInput, UnregisterBroker } from "@tarpan/protocol";
import { refused } from "../metadata/outcome.ts";
import { onCluster } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * UnregisterBroker: v0, flexible (KIP-631).
 * Unlike in Kafka the broker must be down and have no replicas. Otherwise the answer is
 * INVALID_REQUEST, with the reason in the message.
 */
export const unregisterBroker = handler({
  api: UnregisterBroker,
  versions: "0",
  authorize: [onCluster("alter")],
  handle,
  failure,
});

type Request = RequestOf<typeof UnregisterBroker>;
type Response = ResponseInput<typeof UnregisterBroker>;

async function handle({ brokerId }: Request, { services }: RequestContext): Promise<Response> {
  const { errorCode, errorMessage } = await services.metadata.controller.unregisterBroker({
    brokerId,
  });
  return { errorCode, errorMessage };
}

function failure(_request: Request, errorCode: number): Response {
  return refused(errorCode);
}
