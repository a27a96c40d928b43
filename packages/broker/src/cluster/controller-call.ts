import type { Outcome } from "../metadata/outcome.ts";
import type { Bus } from "../rpc/bus.ts";

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

/** Rejects with BusError. */
export async function askController(
  bus: Bus,
  brokerId: number,
  call: ControllerCall,
  timeoutMs: number,
): Promise<ControllerAnswer> {
  return (await bus.request(subjectOf(brokerId), call, timeoutMs)) as ControllerAnswer;
}

/** Answers what is asked of this broker until the returned function is called. */
export function answerCalls(
  bus: Bus,
  brokerId: number,
  answer: (call: ControllerCall) => Promise<ControllerAnswer>,
): () => void {
  return bus.serve(subjectOf(brokerId), (call) => answer(call as ControllerCall));
}

function subjectOf(brokerId: number): string {
  return `tarpan.controller.${brokerId}`;
}
