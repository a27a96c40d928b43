import { ErrorCode, FindCoordinator, type RequestOf, type ResponseInput } from "@tarpan/protocol";
import { handler } from "./handler.ts";

/**
 * FindCoordinator: v0-6.
 * v1 key type · v3 flexible · v4 several keys at once (KIP-699) · v6 share coordinator (KIP-932).
 * Not done: there is no coordinator of any kind yet, and that is what it answers: 15, which clients
 * take as "ask again later" until their own time-out ends it.
 */
export const findCoordinator = handler(FindCoordinator, "0-6", run, { failure });

type Request = RequestOf<typeof FindCoordinator>;
type Response = ResponseInput<typeof FindCoordinator>;

const NOWHERE = { nodeId: -1, host: "", port: -1 };
const WHY = "this broker serves no consumer groups and no transactions yet";

function run(request: Request): Response {
  return answer(request, ErrorCode.COORDINATOR_NOT_AVAILABLE, WHY);
}

function failure(request: Request, errorCode: number): Response {
  return answer(request, errorCode, null);
}

function answer(request: Request, errorCode: number, errorMessage: string | null): Response {
  const one = { ...NOWHERE, errorCode, errorMessage };
  const coordinators = request.coordinatorKeys.map((key) => ({ key, ...one }));
  return { ...one, coordinators };
}
