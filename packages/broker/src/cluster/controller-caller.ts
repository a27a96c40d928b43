import { setMaxListeners } from "node:events";
import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import { ControllerUnavailable } from "../metadata/controller-unavailable.ts";
import { refused } from "../metadata/outcome.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { RpcError } from "../rpc/rpc-error.ts";
import { overWithin } from "../util/coming.ts";
import { pause } from "../util/pause.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import { askController, type ControllerAnswer, type ControllerCall } from "./controller-call.ts";
import { CONTROLLER_CALL_TIMEOUT_MS, CONTROLLER_RETRY_MS, END_TIMEOUT_MS } from "./limits.ts";
import type { Membership } from "./membership.ts";
import type { MetadataFollower } from "./metadata-follower.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly rpc: Rpc;
  readonly membership: Membership;
  readonly follower: MetadataFollower;
}

/**
 * Calls the controller, wherever it is, this broker included.
 *
 * 1. A call is made again only when it is certain that it was not carried out: there was nobody, or
 *    somebody who was not the controller. Otherwise what came of it is unknown, and said to be.
 * 2. It resolves when this broker's own metadata shows what it has done.
 */
export class ControllerCaller {
  readonly #parts: Parts;
  readonly #ending = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
    // Every call in progress listens to it.
    setMaxListeners(0, this.#ending.signal);
  }

  /** The broker stops: of what is not answered yet nothing is known. */
  stopWaiting(): void {
    this.#ending.abort(new ControllerUnavailable(UNKNOWN_OUTCOME));
  }

  /** Rejects with ControllerUnavailable. */
  call(name: string, request: unknown, timeoutMs = CONTROLLER_CALL_TIMEOUT_MS): Promise<unknown> {
    const { signal } = this.#ending;
    return unlessAborted(this.#callUntilTaken({ name, request }, timeoutMs), signal);
  }

  /** How far the metadata's log reaches; null when nobody says so in a moment. */
  async end(): Promise<number | null> {
    try {
      const answer = await this.#ask({ name: "end", request: {} }, END_TIMEOUT_MS);
      return answer?.kind === "done" ? answer.offset : null;
    } catch (error) {
      if (error instanceof ControllerUnavailable) return null;
      throw error;
    }
  }

  async #callUntilTaken(call: ControllerCall, timeoutMs: number): Promise<unknown> {
    const { env } = this.#parts;
    const deadlineMs = env.clock.monotonicMs() + timeoutMs;
    for (;;) {
      const leftMs = deadlineMs - env.clock.monotonicMs();
      if (leftMs <= 0 || this.#ending.signal.aborted)
        throw new ControllerUnavailable(NO_CONTROLLER);
      const answer = await this.#ask(call, leftMs);
      if (answer === null) {
        await pause(env.timers, CONTROLLER_RETRY_MS);
        continue;
      }
      if (answer.kind === "failed") throw new ControllerUnavailable(answer.outcome);
      if (!(await this.#isShown(answer.offset, deadlineMs))) {
        throw new ControllerUnavailable(NOT_SHOWN);
      }
      return answer.response;
    }
  }

  /** Null when it is certain that nothing was done. */
  async #ask(call: ControllerCall, timeoutMs: number): Promise<Taken | null> {
    const { rpc, membership } = this.#parts;
    const { controller } = membership;
    if (controller === null) return null;
    try {
      const answer = await askController(rpc, controller.brokerId, call, timeoutMs);
      return answer.kind === "not-controller" ? null : answer;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.kind === "not-done") return null;
      throw new ControllerUnavailable(UNKNOWN_OUTCOME);
    }
  }

  /** False when this broker can't read the metadata for as long as the caller waits. */
  #isShown(offset: number, deadlineMs: number): Promise<boolean> {
    const { env, follower } = this.#parts;
    const leftMs = Math.max(0, deadlineMs - env.clock.monotonicMs());
    const reaching = follower.reaching(offset);
    return reaching === null ? Promise.resolve(true) : overWithin(reaching, leftMs, env.timers);
  }
}

type Taken = Exclude<ControllerAnswer, { readonly kind: "not-controller" }>;

const NO_CONTROLLER = refused(
  ErrorCode.REQUEST_TIMED_OUT,
  "the cluster has no controller now: nothing was changed, try again",
);
const NOT_SHOWN = refused(
  ErrorCode.REQUEST_TIMED_OUT,
  "the controller has done it, but this broker does not see it yet",
);
const UNKNOWN_OUTCOME = refused(
  ErrorCode.REQUEST_TIMED_OUT,
  "the controller did not answer in time: the change may have been made or not",
);
