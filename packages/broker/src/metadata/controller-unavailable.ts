import type { Outcome } from "./outcome.ts";

/** A call of the controller came to nothing, or to nobody knows what: `outcome` says which. */
export class ControllerUnavailable extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.errorMessage ?? `the controller answered with error ${outcome.errorCode}`);
    this.name = "ControllerUnavailable";
    this.outcome = outcome;
  }
}
