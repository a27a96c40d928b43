import type { Outcome } from "../metadata/outcome.ts";

/** How a broker asks the controller: the method of `ClusterController`, with its arguments. */
export interface ControllerCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** `result` is true of the metadata up to `offset`; wait for that before showing it to anybody. */
export type ControllerAnswer =
  | { readonly kind: "done"; readonly result: unknown; readonly offset: number }
  /** Nothing was done: this broker is not the controller, or is so no more. */
  | { readonly kind: "not-controller" }
  /** It could not be done, or nobody knows. */
  | { readonly kind: "failed"; readonly outcome: Outcome };

export function subjectOf(brokerId: number): string {
  return `tarpan.controller.${brokerId}`;
}
