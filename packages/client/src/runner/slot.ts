import type { Lane } from "./partition-lanes.ts";
import type { HandlerContext } from "./run-options.ts";

/** A place for one handler call; it is also the call's context, so that a call allocates none. */
export class Slot implements HandlerContext {
  attempt = 0;
  /** Null while no call is made. */
  lane: Lane | null = null;
  /** How many records of the lane the call handles. */
  count = 0;
  /** Whether the attempt was counted before it began, so that a crash can't hide it. */
  counted = false;
  /** When the call began, on the monotonic clock; 0 before. */
  startedMs = 0;
  readonly succeeded: () => void;
  readonly failed: (error: unknown) => void;
  #controller: AbortController | null = null;

  constructor(settle: (slot: Slot, failed: boolean, error: unknown) => void) {
    this.succeeded = () => settle(this, false, undefined);
    this.failed = (error) => settle(this, true, error);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  take(lane: Lane, count: number, attempt: number): void {
    this.lane = lane;
    this.count = count;
    this.attempt = attempt;
    this.counted = false;
    this.startedMs = 0;
  }

  /** Whether the next call may use this object: not if a handler may have kept the signal. */
  get reusable(): boolean {
    return this.#controller === null;
  }

  /** Makes the result of the call ignored. The object can't be used again. */
  abandon(reason: Error): void {
    this.lane = null;
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }
}
