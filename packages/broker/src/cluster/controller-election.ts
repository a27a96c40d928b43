import type { Timer } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import { ActiveController, type ActiveControllerParts } from "./active-controller.ts";
import {
  CANDIDATE_BACK_OFF_MAX_MS,
  CANDIDATE_STEP_MS,
  CONTROLLER_RETRY_MS,
  CONTROLLER_SESSION_MS,
} from "./limits.ts";

/**
 * Makes this broker the controller when the cluster has none. The metadata log decides between
 * several candidates: each begins a leader epoch there, and the last one fences the others.
 */
export class ControllerElection {
  readonly #parts: ActiveControllerParts;
  #active: ActiveController | null = null;
  #changing: Promise<void> | null = null;
  /** When brokers stopped claiming to be the controller; null while one does. */
  #noControllerSinceMs: number | null = null;
  /** The last controller. It probably failed, so the other candidates don't wait for its turn. */
  #lastControllerId = -1;
  /** Before this time it is no candidate: a controller that sends it no heartbeats fenced it. */
  #candidateFromMs = 0;
  #backOffMs = CONTROLLER_SESSION_MS;
  /** The epoch of the controller that was logged last; null after its absence was logged. */
  #loggedEpoch: number | null = null;
  /** When the log was asked for the newest confirmation that this broker is the controller. */
  #confirmedMs = Number.NEGATIVE_INFINITY;
  #confirming: Promise<void> | null = null;
  #timer: Timer | undefined;
  #retired = false;
  #closed = false;

  constructor(parts: ActiveControllerParts) {
    this.#parts = parts;
  }

  /** Makes this broker a candidate. */
  start(): void {
    this.#schedule();
  }

  /** Null while this broker is not the controller. */
  get active(): ActiveController | null {
    return this.#active?.failure === null ? this.#active : null;
  }

  /**
   * Whether the metadata log confirmed after `sinceMs` that this broker is the controller. If not,
   * the log is asked, and a later call returns true once it has confirmed.
   */
  isConfirmed(sinceMs: number): boolean {
    const { active } = this;
    if (active === null) return false;
    if (this.#confirmedMs >= sinceMs) return true;
    this.#confirming ??= this.#confirm(active).finally(() => {
      this.#confirming = null;
    });
    return false;
  }

  /** This broker is no candidate any more. If it is the controller, it remains so. */
  retire(): void {
    this.#retired = true;
  }

  /**
   * If this broker is the controller, it resigns and tells the others. Does not wait for an attempt
   * to become the controller, which can take as long as a Raft election: if it still succeeds, the
   * new controller is closed at once.
   */
  async close(): Promise<void> {
    this.#retired = true;
    this.#closed = true;
    this.#timer?.cancel();
    await this.#resign();
  }

  #schedule(): void {
    this.#timer = this.#parts.env.timers.after(CONTROLLER_RETRY_MS, () => {
      if (this.#closed) return;
      this.#changing ??= this.#tick().finally(() => {
        this.#changing = null;
      });
      this.#schedule();
    });
  }

  async #tick(): Promise<void> {
    const { membership, logger } = this.#parts;
    const current = membership.controller;
    if (this.#active !== null) {
      const { epoch, failure } = this.#active;
      if (failure === null && (current === null || current.epoch <= epoch)) return;
      const why =
        failure?.message ??
        `${membership.textOf(current!.brokerId)} is, under epoch ${current!.epoch}`;
      logger.info(`cluster: this broker is no longer the controller: ${why}`);
      if (current === null || current.epoch <= epoch) this.#backOff();
      return this.#resign();
    }
    if (current !== null) {
      this.#logController(current);
      this.#lastControllerId = current.brokerId;
      this.#backOffMs = CONTROLLER_SESSION_MS;
    }
    if (!membership.hasNoController) {
      this.#noControllerSinceMs = null;
      return;
    }
    if (this.#loggedEpoch !== null) {
      this.#loggedEpoch = null;
      logger.info("cluster: no broker is the controller now: the brokers elect one");
    }
    if (!this.#retired && this.#isMyTurn() && !this.#isBackingOff()) await this.#becomeController();
  }

  #logController({ brokerId, epoch }: { brokerId: number; epoch: number }): void {
    if (this.#loggedEpoch === epoch) return;
    this.#loggedEpoch = epoch;
    const { logger, membership } = this.#parts;
    logger.info(`cluster: ${membership.textOf(brokerId)} is the controller, under epoch ${epoch}`);
  }

  async #confirm(active: ActiveController): Promise<void> {
    const askedMs = this.#parts.env.clock.monotonicMs();
    try {
      await active.confirm();
      this.#confirmedMs = askedMs;
    } catch (error) {
      // If another broker is the controller, the log has failed now. Else `isConfirmed` asks again.
      if (!(error instanceof LogError)) throw error;
    }
  }

  /** The live broker with the lowest id tries at once, each further one a step later. */
  #isMyTurn(): boolean {
    const { env, membership, nodeId } = this.#parts;
    const nowMs = env.clock.monotonicMs();
    this.#noControllerSinceMs ??= nowMs;
    const before = membership
      .liveIds()
      .filter((id) => id < nodeId && id !== this.#lastControllerId);
    const rank = before.length;
    return nowMs - this.#noControllerSinceMs >= rank * CANDIDATE_STEP_MS;
  }

  /** Without it, controllers that get no heartbeats from each other would take turns for ever. */
  #backOff(): void {
    this.#candidateFromMs = this.#parts.env.clock.monotonicMs() + this.#backOffMs;
    this.#backOffMs = Math.min(2 * this.#backOffMs, CANDIDATE_BACK_OFF_MAX_MS);
  }

  #isBackingOff(): boolean {
    return this.#parts.env.clock.monotonicMs() < this.#candidateFromMs;
  }

  async #becomeController(): Promise<void> {
    const { logger, membership } = this.#parts;
    try {
      const active = await ActiveController.open(this.#parts);
      if (this.#closed) return await active.close();
      this.#active = active;
      this.#loggedEpoch = active.epoch;
      logger.info(`cluster: this broker is the controller, under epoch ${active.epoch}`);
      membership.sendHeartbeat();
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      logger.debug("cluster: this broker can't become the controller now", { error });
      this.#noControllerSinceMs = null;
    }
  }

  async #resign(): Promise<void> {
    const active = this.#active;
    this.#active = null;
    this.#noControllerSinceMs = null;
    if (active === null) return;
    this.#parts.membership.sendHeartbeat();
    await active.close();
  }
}
