import { setMaxListeners } from "node:events";
import { ErrorCode } from "@tarpan/protocol";
import type { Env } from "../env/env.ts";
import type { ClusterAdmin } from "../metadata/cluster-admin.ts";
import {
  type Controller,
  ControllerUnavailable,
  type CreatedTopic,
  type GrownTopic,
} from "../metadata/controller.ts";
import type { BrokerRegistration } from "../metadata/decide-broker.ts";
import { type Outcome, refused } from "../metadata/outcome.ts";
import { overWithin } from "../util/coming.ts";
import { unlessAborted } from "../util/unless-aborted.ts";
import { type Bus, BusError } from "./bus.ts";
import type { ClusterController, Removal } from "./cluster-controller.ts";
import { type ControllerAnswer, subjectOf } from "./controller-call.ts";
import {
  CONTROLLER_CALL_TIMEOUT_MS,
  CONTROLLER_RETRY_MS,
  END_TIMEOUT_MS,
  LEAVE_TIMEOUT_MS,
} from "./limits.ts";
import type { MemberFile } from "./member-file.ts";
import type { Membership } from "./membership.ts";
import type { MetadataFollower } from "./metadata-follower.ts";

interface Parts {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly bus: Bus;
  readonly membership: Membership;
  readonly follower: MetadataFollower;
  /** Aborts when the broker is told to stop before it is registered. */
  readonly stopping: AbortSignal;
  /** Of this broker's data directory. */
  readonly file: MemberFile;
}

/**
 * The controller as a broker reaches it, wherever it is, this broker included.
 *
 * 1. A call is made again only when it is certain that it was not carried out: there was nobody, or
 *    somebody who was not the controller. Otherwise what came of it is unknown, and said to be.
 * 2. It resolves when this broker's own metadata shows what it has done.
 */
export class RemoteController implements ClusterController {
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

  /**
   * Tries until there is a controller that takes it: without it the broker is of no use. Rejects
   * with ClusterError where the broker was removed.
   */
  async registerBroker(registration: BrokerRegistration): Promise<Outcome> {
    const { stopping, file } = this.#parts;
    const returning = (await file.read()) !== null;
    for (;;) {
      stopping.throwIfAborted();
      try {
        const args = [{ ...registration, returning }];
        const outcome = await this.#call<Outcome>("registerBroker", args);
        const isRemoved = outcome.errorCode === ErrorCode.BROKER_ID_NOT_REGISTERED;
        await file.write(isRemoved ? "removed" : "registered");
        if (isRemoved) throw file.removed(registration.id);
        return outcome;
      } catch (error) {
        if (!(error instanceof ControllerUnavailable)) throw error;
        await this.#pause();
      }
    }
  }

  allocateProducerIds(nodeId: number): Promise<number> {
    return this.#call("allocateProducerIds", [nodeId]);
  }

  createTopics(...args: Parameters<Controller["createTopics"]>): Promise<CreatedTopic[]> {
    const [specs] = args;
    const refuse = (outcome: Outcome) =>
      specs.map(({ name }) => ({ name, plan: null, ...outcome }));
    return this.#callOr(refuse, "createTopics", args);
  }

  createOffsetsTopic(): Promise<number> {
    return this.#callOr(({ errorCode }) => errorCode, "createOffsetsTopic", []);
  }

  deleteTopics(...args: Parameters<Controller["deleteTopics"]>) {
    const [refs] = args;
    const refuse = (outcome: Outcome) => refs.map((ref) => ({ ...ref, ...outcome }));
    return this.#callOr(refuse, "deleteTopics", args);
  }

  createPartitions(...args: Parameters<Controller["createPartitions"]>): Promise<GrownTopic[]> {
    const [specs] = args;
    const refuse = (outcome: Outcome) => specs.map(({ name }) => ({ name, ...outcome }));
    return this.#callOr(refuse, "createPartitions", args);
  }

  alterConfigs(...args: Parameters<Controller["alterConfigs"]>): Promise<Outcome[]> {
    const [resources] = args;
    return this.#callOr((outcome) => resources.map(() => outcome), "alterConfigs", args);
  }

  electLeaders(...args: Parameters<ClusterAdmin["electLeaders"]>) {
    const refuse = (outcome: Outcome) => ({ ...outcome, topics: [] });
    return this.#callOr(refuse, "electLeaders", args, args[2]);
  }

  alterReassignments(...args: Parameters<ClusterAdmin["alterReassignments"]>) {
    const refuse = (outcome: Outcome) => ({ ...outcome, topics: [] });
    return this.#callOr(refuse, "alterReassignments", args, args[1].timeoutMs);
  }

  listReassignments(...args: Parameters<ClusterAdmin["listReassignments"]>) {
    const refuse = (outcome: Outcome) => ({ ...outcome, topics: [] });
    return this.#callOr(refuse, "listReassignments", args);
  }

  unregisterBroker(brokerId: number): Promise<Outcome> {
    return this.#callOr((outcome) => outcome, "unregisterBroker", [brokerId]);
  }

  quorum(): ReturnType<ClusterAdmin["quorum"]> {
    const nobody = {
      leaderId: -1,
      leaderEpoch: -1,
      highWatermark: -1,
      voters: [],
      observers: [],
    };
    return this.#callOr(() => nobody, "quorum", []);
  }

  async leave(brokerId: number, incarnationId: string): Promise<void> {
    try {
      await this.#call("leave", [brokerId, incarnationId], LEAVE_TIMEOUT_MS);
    } catch (error) {
      // Whoever is the controller notices the silence.
      if (!(error instanceof ControllerUnavailable)) throw error;
    }
  }

  remove(brokerId: number): Promise<Removal> {
    const refuse = (outcome: Outcome) => ({ ...outcome, partitionsLeft: -1, done: false });
    return this.#callOr(refuse, "remove", [brokerId]);
  }

  async end(): Promise<number | null> {
    try {
      const answer = await this.#ask("end", [], END_TIMEOUT_MS);
      return answer?.kind === "done" ? answer.offset : null;
    } catch (error) {
      if (error instanceof ControllerUnavailable) return null;
      throw error;
    }
  }

  async #callOr<T>(
    refuse: (outcome: Outcome) => T,
    method: keyof ClusterController,
    args: readonly unknown[],
    timeoutMs?: number,
  ): Promise<T> {
    try {
      return await this.#call<T>(method, args, timeoutMs);
    } catch (error) {
      if (error instanceof ControllerUnavailable) return refuse(error.outcome);
      throw error;
    }
  }

  #call<T>(
    method: keyof ClusterController,
    args: readonly unknown[],
    timeoutMs = CONTROLLER_CALL_TIMEOUT_MS,
  ): Promise<T> {
    const { signal } = this.#ending;
    return unlessAborted(this.#callUntilTaken<T>(method, args, timeoutMs), signal);
  }

  async #callUntilTaken<T>(
    method: keyof ClusterController,
    args: readonly unknown[],
    timeoutMs: number,
  ): Promise<T> {
    const { env } = this.#parts;
    const deadlineMs = env.clock.monotonicMs() + timeoutMs;
    for (;;) {
      const leftMs = deadlineMs - env.clock.monotonicMs();
      if (leftMs <= 0 || this.#ending.signal.aborted)
        throw new ControllerUnavailable(NO_CONTROLLER);
      const answer = await this.#ask(method, args, leftMs);
      if (answer === null) {
        await this.#pause();
        continue;
      }
      if (answer.kind === "failed") throw new ControllerUnavailable(answer.outcome);
      if (!(await this.#isShown(answer.offset, deadlineMs))) {
        throw new ControllerUnavailable(NOT_SHOWN);
      }
      return answer.result as T;
    }
  }

  /** Null when it is certain that nothing was done. */
  async #ask(method: string, args: readonly unknown[], timeoutMs: number) {
    const { bus, membership } = this.#parts;
    const { controller } = membership;
    if (controller === null) return null;
    try {
      const call = { method, args };
      const reply = await bus.request(subjectOf(controller.brokerId), call, timeoutMs);
      const answer = reply as ControllerAnswer;
      return answer.kind === "not-controller" ? null : answer;
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (error.kind === "nobody") return null;
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

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.env.timers.after(CONTROLLER_RETRY_MS, resolve);
    });
  }
}

const NO_CONTROLLER = refused(
  ErrorCode.REQUEST_TIMED_OUT,
  "the cluster has no controller at the moment: nothing was changed",
);
const NOT_SHOWN = refused(
  ErrorCode.REQUEST_TIMED_OUT,
  "the controller has done it, but this broker does not see it yet",
);
const UNKNOWN_OUTCOME = refused(
  ErrorCode.REQUEST_TIMED_OUT,
  "the controller did not answer in time: the change may have been made or not",
);
