import { ErrorCode } from "@tarpan/protocol";
import { DONE, type Outcome, refused } from "../metadata/outcome.ts";
import { CallController } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { decodeValue, encodeValue } from "./plain-values.ts";

// How calls of the controller travel. Nothing else knows; what is carried stands in
// `clusterOperations`.

export interface ControllerCall {
  /** Of an operation. */
  readonly name: string;
  readonly request: unknown;
}

/** `response` is true of the metadata up to `offset`, which is to be read before it is shown. */
export type ControllerAnswer =
  | { readonly kind: "done"; readonly response: unknown; readonly offset: number }
  /** Nothing was done: this broker is not the controller, or is so no more. */
  | { readonly kind: "not-controller" }
  /** It could not be done, or nobody knows. */
  | { readonly kind: "failed"; readonly outcome: Outcome };

/** Rejects with RpcError. */
export async function askController(
  rpc: Rpc,
  brokerId: number,
  { name, request }: ControllerCall,
  timeoutMs: number,
): Promise<ControllerAnswer> {
  const call = { operation: name, request: encodeValue(request) };
  const answer = await rpc.call(CallController, brokerId, call, timeoutMs);
  const { errorCode, errorMessage, metadataEnd, response } = answer;
  if (errorCode === ErrorCode.NOT_CONTROLLER) return { kind: "not-controller" };
  if (errorCode !== ErrorCode.NONE) return { kind: "failed", outcome: { errorCode, errorMessage } };
  return { kind: "done", response: decodeValue(response), offset: metadataEnd };
}

/** Answers what is asked of this broker until the returned function is called. */
export function answerCalls(
  rpc: Rpc,
  answer: (call: ControllerCall) => Promise<ControllerAnswer>,
): () => void {
  return rpc.serve(CallController, async ({ operation, request }) => {
    const answered = await answer({ name: operation, request: decodeValue(request) });
    if (answered.kind === "done") {
      const { offset, response } = answered;
      return { ...DONE, metadataEnd: offset, response: encodeValue(response) };
    }
    const outcome = answered.kind === "failed" ? answered.outcome : NOT_CONTROLLER;
    return { ...outcome, metadataEnd: -1, response: NOTHING };
  });
}

const NOT_CONTROLLER = refused(ErrorCode.NOT_CONTROLLER);
const NOTHING = new Uint8Array(0);
