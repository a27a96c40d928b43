import { ErrorCode, Heartbeat, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { heartbeat as beat } from "../groups/operations/classic-heartbeat.ts";
import { onGroup } from "../security/permission.ts";
import { handler, type RequestContext } from "./handler.ts";

/**
 * Heartbeat: v0-4.
 * v3 static members (KIP-345) · v4 flexible. While the coordinator is being loaded the answer comes
 * at once and is no error, as in Kafka: the members continue.
 */
export const heartbeat = handler({
  api: Heartbeat,
  versions: "0-4",
  lane: "group",
  authorize: [onGroup("read")],
  handle,
  failure,
});

type Request = RequestOf<typeof Heartbeat>;
type Response = ResponseInput<typeof Heartbeat>;

async function handle(request: Request, { services }: RequestContext): Promise<Response> {
  return { errorCode: await services.groups.runIfLoaded(request.groupId, beat(request)) };
}

function failure(_request: Request, errorCode: number): Response {
  const loading = errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  return { errorCode: loading ? ErrorCode.NONE : errorCode };
}
