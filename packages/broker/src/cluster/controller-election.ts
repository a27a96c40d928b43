import type { Timer } from "../env/env.ts";
import { LogError } from "../log/log-error.ts";
import { ActiveController, type ActiveControllerParts } from "./active-controller.ts";
import {
  CANDIDATE_STEP_MS,
  CONTROLLER_RETRY_MS,
  CONTROLLER_SESSION_MS,
  DUEL_PAUSE_MAX_MS,
} from "./limits.ts";

/**
 * Has this broker become the controller when nobody else is. Which of several candidates wins is
 * for the log to say: each writes its epoch there, and the last one has fenced the others.
 */
export class ControllerElection {
  readonly #parts: ActiveControllerParts;
  #active: ActiveController | null = null;
  #changing: Promise<void> | null = null;
  /** Since when there is no controller, as far as this broker has heard. */
  #vacantSinceMs: number | null = null;
  /** Of the controller before, which is not waited for. */
  #lastId = -1;
  /** Not before this: somebody who is not heard is the controller. */
  #standFromMs = 0;
  #duelPauseMs = CONTROLLER_SESSION_MS;
  /** Of the controller that the log tells of; null while there is none. */
  #toldEpoch: number | null = null;
  /** When the log was asked that said last that this broker is the controller. */
  #confirmedMs = Number.NEGATIVE_INFINITY;
  #confirming: Promise<void> | null = null;
  #timer: Timer | undefined;
  #retired = false;
  #closed = false;

  constructor(parts: ActiveControllerParts) {
    this.#parts = parts;
  }

  /** A candidate from now on. */
  start(): void {
    this.#schedule();
  }

  /** The controller, while it is this broker. */
  get active(): ActiveController | null {
    return this.#active?.failure === null ? this.#active : null;
  }

  /** Whether its log has said since then that this broker is the controller; it is asked. */
  isConfirmed(sinceMs: number): boolean {
    const { active } = this;
    if (active === null) return false;
    if (this.#confirmedMs >= sinceMs) return true;
    this.#confirming ??= this.#confirm(active).finally(() => {
      this.#confirming = null;
    });
    return false;
  }

  /** No candidate any more. One that is the controller remains it. */
  retire(): void {
    this.#retired = true;
  }

  /**
   * One that is the controller lets the others know. An election is not waited for: that may take
   * as long as the servers elect themselves, and what comes of it is closed at once.
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
    const heard = membership.controller;
    if (this.#active !== null) {
      const { epoch, failure } = this.#active;
      if (failure === null && (heard === null || heard.epoch <= epoch)) return;
      const why =
        failure?.message ?? `${membership.named(heard!.brokerId)} is, under epoch ${heard!.epoch}`;
      logger.info(`cluster: this broker is no longer the controller: ${why}`);
      if (heard === null || heard.epoch <= epoch) this.#pauseDuel();
      return this.#resign();
    }
    if (heard !== null) {
      this.#tellOf(heard);
      this.#lastId = heard.brokerId;
      this.#duelPauseMs = CONTROLLER_SESSION_MS;
    }
    if (!membership.lacksController) {
      this.#vacantSinceMs = null;
      return;
    }
    if (this.#toldEpoch !== null) {
      this.#toldEpoch = null;
      logger.info("cluster: no heartbeat from the controller: the brokers elect another");
    }
    if (!this.#retired && this.#isMyTurn() && !this.#isPausing()) await this.#stand();
  }

  #tellOf({ brokerId, epoch }: { brokerId: number; epoch: number }): void {
    if (this.#toldEpoch === epoch) return;
    this.#toldEpoch = epoch;
    const { logger, membership } = this.#parts;
    logger.info(`cluster: ${membership.named(brokerId)} is the controller, under epoch ${epoch}`);
  }

  async #confirm(active: ActiveController): Promise<void> {
    const askedMs = this.#parts.env.clock.monotonicMs();
    try {
      await active.confirm();
      this.#confirmedMs = askedMs;
    } catch (error) {
      // One that was deposed has failed with this; otherwise the log is asked again.
      if (!(error instanceof LogError)) throw error;
    }
  }

  /** The first of those who live tries at once, the others a little later each. */
  #isMyTurn(): boolean {
    const { env, membership, nodeId } = this.#parts;
    const nowMs = env.clock.monotonicMs();
    this.#vacantSinceMs ??= nowMs;
    const before = membership.liveIds().filter((id) => id < nodeId && id !== this.#lastId);
    const rank = before.length;
    return nowMs - this.#vacantSinceMs >= rank * CANDIDATE_STEP_MS;
  }

  /** Two that can't hear each other would fence one another, and each other's brokers, for ever. */
  #pauseDuel(): void {
    this.#standFromMs = this.#parts.env.clock.monotonicMs() + this.#duelPauseMs;
    this.#duelPauseMs = Math.min(2 * this.#duelPauseMs, DUEL_PAUSE_MAX_MS);
  }

  #isPausing(): boolean {
    return this.#parts.env.clock.monotonicMs() < this.#standFromMs;
  }

  async #stand(): Promise<void> {
    const { logger, membership } = this.#parts;
    try {
      const active = await ActiveController.open(this.#parts);
      if (this.#closed) return await active.close();
      this.#active = active;
      this.#toldEpoch = active.epoch;
      logger.info(`cluster: this broker is the controller, under epoch ${active.epoch}`);
      membership.beat();
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      logger.debug("cluster: this broker can't become the controller now", { error });
      this.#vacantSinceMs = null;
    }
  }

  async #resign(): Promise<void> {
    const active = this.#active;
    this.#active = null;
    this.#vacantSinceMs = null;
    if (active === null) return;
    this.#parts.membership.beat();
    await active.close();
  }
}
