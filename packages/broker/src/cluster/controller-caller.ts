import { setMaxListeners } from "node:events";
import { ErrorCode, type RequestInput, type ResponseOf } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { AnyControllerApi } from "../rpc/messages/controller.ts";
import { MetadataEnd } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { RpcError } from "../rpc/rpc-error.ts";
import { KafkaError } from "../util/kafka-error.ts";
import { openWithin } from "../util/latch.ts";
import { pause } from "../util/pause.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import {
  CONTROLLER_CALL_TIMEOUT_MS,
  CONTROLLER_RETRY_MS,
  METADATA_END_TIMEOUT_MS,
  UNSUPPORTED_CALL_MS,
} from "./limits.ts";
import type { Membership } from "./membership.ts";
import type { MetadataFollower } from "./metadata-follower.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly rpc: Rpc;
  readonly membership: Membership;
  readonly follower: MetadataFollower;
}

/**
 * Calls the controller, on whichever broker it runs.
 *
 * 1. A call is repeated only when it is certain that it was not carried out: no broker was the
 *    controller, or the broker that was asked refused. It is not repeated for long if that broker
 *    can't do this at all. Otherwise the outcome is unknown, and the caller is told so.
 * 2. It resolves when this broker's own metadata shows the change.
 */
export class ControllerCaller {
  readonly #parts: Parts;
  readonly #ending = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
    // Every call in progress listens to it.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Rejects all calls in progress, because the broker stops. Their outcome is unknown. */
  stopWaiting(): void {
    this.#ending.abort(timedOut(UNKNOWN_OUTCOME));
  }

  /** Rejects with KafkaError. */
  call(
    api: AnyControllerApi,
    request: RequestInput<AnyControllerApi>,
    timeoutMs = CONTROLLER_CALL_TIMEOUT_MS,
  ): Promise<unknown> {
    const { signal } = this.#ending;
    return unlessAborted(this.#callUntilTaken(api, request, timeoutMs), signal);
  }

  /** The end offset of the metadata log; null if no controller answers in time. */
  async end(): Promise<number | null> {
    try {
      const answer = await this.#ask(MetadataEnd, {}, METADATA_END_TIMEOUT_MS);
      return isNotDone(answer) ? null : answer.metadataEnd;
    } catch (error) {
      if (error instanceof KafkaError) return null;
      throw error;
    }
  }

  async #callUntilTaken(
    api: AnyControllerApi,
    request: RequestInput<AnyControllerApi>,
    timeoutMs: number,
  ): Promise<unknown> {
    const { env } = this.#parts;
    const deadlineMs = env.clock.monotonicMs() + timeoutMs;
    let unsupportedSinceMs: number | null = null;
    for (let leftMs = timeoutMs; ; leftMs = deadlineMs - env.clock.monotonicMs()) {
      const answer = await this.#ask(api, request, leftMs);
      if (!isNotDone(answer)) {
        if (await this.#isShown(answer.metadataEnd, deadlineMs)) return answer.response;
        throw timedOut(NOT_SHOWN);
      }
      const { why, isUnsupported } = answer;
      const nowMs = env.clock.monotonicMs();
      unsupportedSinceMs = isUnsupported ? (unsupportedSinceMs ?? nowMs) : null;
      if (nowMs - (unsupportedSinceMs ?? nowMs) >= UNSUPPORTED_CALL_MS) {
        throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, `nothing was changed: ${why}`);
      }
      await pause(env.timers, CONTROLLER_RETRY_MS);
      // Another call could not be answered in time, so its outcome would be unknown.
      const isLate = deadlineMs - env.clock.monotonicMs() < CONTROLLER_RETRY_MS;
      if (isLate || this.#ending.signal.aborted)
        throw timedOut(`nothing was changed, try again: ${why}`);
    }
  }

  /** Rejects with KafkaError. */
  async #ask(
    api: AnyControllerApi,
    request: RequestInput<AnyControllerApi>,
    timeoutMs: number,
  ): Promise<Answer | NotDone> {
    const { rpc, membership } = this.#parts;
    const { controller } = membership;
    if (controller === null) return notDone("no broker says that it is the controller");
    const { brokerId } = controller;
    const who = `the controller, broker ${brokerId}`;
    let answer: ResponseOf<AnyControllerApi>;
    try {
      answer = await rpc.call(api, brokerId, request, timeoutMs);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      const { kind, message, isUnsupported } = error;
      if (kind === "unknown") throw timedOut(UNKNOWN_OUTCOME);
      if (!isUnsupported) return notDone(`${who}, can't be asked (${message})`);
      const why = `${who}, is of a release that can't do this: upgrade it first (${message})`;
      return { why, isUnsupported };
    }
    const { errorCode, errorMessage, metadataEnd, response } = answer;
    if (errorCode === ErrorCode.NOT_CONTROLLER) {
      return notDone(`broker ${brokerId} is not the controller`);
    }
    if (errorCode !== ErrorCode.NONE) throw new KafkaError(errorCode, errorMessage);
    return { metadataEnd, response };
  }

  /** Whether this broker reads the metadata up to `offset` before the deadline. */
  #isShown(offset: number, deadlineMs: number): Promise<boolean> {
    const { env, follower } = this.#parts;
    const leftMs = Math.max(0, deadlineMs - env.clock.monotonicMs());
    const reaching = follower.whenShown(offset);
    return reaching === null ? Promise.resolve(true) : openWithin(reaching, leftMs, env.timers);
  }
}

type Answer = Pick<ResponseOf<AnyControllerApi>, "metadataEnd" | "response">;

/** It is certain that nothing was done. */
interface NotDone {
  readonly why: string;
  /** See RpcError. */
  readonly isUnsupported: boolean;
}

function notDone(why: string): NotDone {
  return { why, isUnsupported: false };
}

function isNotDone(answer: Answer | NotDone): answer is NotDone {
  return "why" in answer;
}

const UNKNOWN_OUTCOME =
  "the controller did not answer in time: the change may have been made or not";
const NOT_SHOWN = "the change was made, but this broker has not read it yet";

function timedOut(reason: string): KafkaError {
  return new KafkaError(ErrorCode.REQUEST_TIMED_OUT, reason);
}
