import type { Env, Timer } from "../env/env.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { nodeText } from "../util/node-text.ts";
import { type Heartbeat, hearHeartbeats, sendHeartbeat } from "./heartbeat.ts";
import {
  BROKER_SESSION_MS,
  CONTROLLER_SESSION_MS,
  HEARTBEAT_INTERVAL_MS,
  ISOLATED_AFTER_MS,
} from "./limits.ts";

/** Later than this our own timer never is, unless the process was paused or starved. */
const PAUSE_MS = CONTROLLER_SESSION_MS / 2;

interface Heard extends Heartbeat {
  readonly atMs: number;
}

interface HeardController {
  readonly brokerId: number;
  readonly epoch: number;
  readonly metadataEnd: number;
}

/** What has to be heard for this broker to know who leads what. */
export interface Expected {
  /** Brokers that live, as far as the metadata says. */
  readonly peers: () => readonly number[];
  /** Whether the metadata is known here up to this end. */
  readonly hasSeen: (metadataEnd: number) => boolean;
  /** Whether this broker, as the controller, was told since then by its log that it still is. */
  readonly isConfirmed: (sinceMs: number) => boolean;
}

/**
 * Who lives, as far as this broker has heard. Only ever a reason to try something: what is decided
 * because of it is decided in a log, which fences whoever was wrong.
 */
export class Membership {
  readonly #env: Pick<Env, "clock" | "timers">;
  readonly #rpc: Rpc;
  readonly #heard = new Map<number, Heard>();
  readonly #listeners = new Set<(beat: Heartbeat) => void>();
  readonly #isolatedListeners = new Set<() => void>();
  #alone: (() => void)[] = [];
  #unsubscribe: () => void = () => {};
  #own: (() => Heartbeat) | null = null;
  #timer: Timer | undefined;
  #lastTickMs = 0;
  /** Null where nobody has to be heard. */
  #expected: Expected | null = null;
  #isIsolated = false;
  /** Since when enough of the others are heard again; null while they are not. */
  #returnedMs: number | null = null;
  /** What was sent to us while we slept is not news. */
  #awakeFromMs = 0;
  /** After a start or a pause of this process nobody is judged by a silence it has not heard. */
  #fencesFromMs = Number.POSITIVE_INFINITY;

  constructor(env: Pick<Env, "clock" | "timers">, rpc: Rpc) {
    this.#env = env;
    this.#rpc = rpc;
  }

  /** Begins to hear the others. */
  start(): void {
    this.#fencesFromMs = this.#env.clock.monotonicMs() + BROKER_SESSION_MS;
    this.#unsubscribe = hearHeartbeats(this.#rpc, (beat) => this.#hear(beat));
  }

  /** Tells the others of this broker, from now on and as `own` then says. */
  announce(own: () => Heartbeat): void {
    const begun = this.#own !== null;
    this.#own = own;
    if (begun) {
      this.beat();
      return;
    }
    this.#lastTickMs = this.#env.clock.monotonicMs();
    this.#tick();
  }

  /** Tells them now: something has changed. */
  beat(): void {
    if (this.#own !== null) sendHeartbeat(this.#rpc, this.#own());
  }

  onHeartbeat(listener: (beat: Heartbeat) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called when this broker finds itself isolated. */
  onIsolated(listener: () => void): void {
    this.#isolatedListeners.add(listener);
  }

  /** Whether this life of the broker was heard lately. */
  isHeard(brokerId: number, incarnationId: string): boolean {
    const heard = this.#heard.get(brokerId);
    if (heard?.incarnationId !== incarnationId) return false;
    return this.#env.clock.monotonicMs() - heard.atMs < BROKER_SESSION_MS;
  }

  /** Whether it was silent for its session, and we were there to hear. */
  isSilent(brokerId: number, incarnationId: string): boolean {
    return this.#hasListened() && !this.isHeard(brokerId, incarnationId);
  }

  /** A broker in a sentence. */
  named(brokerId: number): string {
    return `broker ${nodeText(brokerId, this.#heard.get(brokerId)?.name)}`;
  }

  servesFollowed(brokerId: number): boolean {
    return this.#heard.get(brokerId)?.followerRead === true;
  }

  /** Tells who should be heard. */
  expect(expected: Expected): void {
    this.#expected = expected;
  }

  /**
   * Fewer than half of the brokers are heard, or were and what they decided meanwhile is not yet
   * seen here, or we have just woken up: the others may lead by now what this one led, and it would
   * not know.
   */
  get isolated(): boolean {
    if (this.#expected === null) return false;
    return this.#isIsolated || this.#asleepMs() > ISOLATED_AFTER_MS;
  }

  /** The cluster that others are part of, null while none says so. */
  get clusterId(): string | null {
    for (const { clusterId } of this.#heard.values()) if (clusterId !== null) return clusterId;
    return null;
  }

  /** Ids of the brokers heard lately, in order. */
  liveIds(): number[] {
    const since = this.#env.clock.monotonicMs() - BROKER_SESSION_MS;
    const live = [...this.#heard.values()].filter(({ atMs }) => atMs > since);
    return live.map(({ brokerId }) => brokerId).sort((a, b) => a - b);
  }

  /**
   * Resolves once nobody is heard who could take over from this broker: who leaves can't either.
   */
  whenAlone(): Promise<void> {
    return new Promise((resolve) => {
      this.#alone.push(resolve);
      this.#tellAlone();
    });
  }

  /** The broker that was heard to be the controller lately; of two the later one. */
  get controller(): HeardController | null {
    const since = this.#hasListened()
      ? this.#env.clock.monotonicMs() - CONTROLLER_SESSION_MS
      : Number.NEGATIVE_INFINITY;
    let found: HeardController | null = null;
    for (const { brokerId, controllerEpoch: epoch, metadataEnd, atMs } of this.#heard.values()) {
      if (epoch === null || atMs <= since) continue;
      if (found === null || epoch > found.epoch) found = { brokerId, epoch, metadataEnd };
    }
    return found;
  }

  /** Nobody is heard to be the controller, and we were there to hear. */
  get lacksController(): boolean {
    return this.controller === null && this.#hasListened();
  }

  /**
   * False after a start, and after a pause, also when we are asked before our own timer has run.
   */
  #hasListened(): boolean {
    const nowMs = this.#env.clock.monotonicMs();
    return nowMs >= this.#fencesFromMs && nowMs - this.#lastTickMs <= PAUSE_MS;
  }

  close(): void {
    this.#timer?.cancel();
    this.#unsubscribe();
    this.#own = null;
  }

  #tick(): void {
    const nowMs = this.#env.clock.monotonicMs();
    if (this.#asleepMs() > PAUSE_MS) this.#fencesFromMs = nowMs + BROKER_SESSION_MS;
    if (this.#asleepMs() > ISOLATED_AFTER_MS) this.#awakeFromMs = this.#fencesFromMs;
    this.#lastTickMs = nowMs;
    const wasIsolated = this.#isIsolated;
    this.#isIsolated = this.#lookAround(nowMs);
    if (!wasIsolated && this.#isIsolated)
      for (const listener of this.#isolatedListeners) listener();
    this.#tellAlone();
    this.beat();
    this.#timer = this.#env.timers.after(HEARTBEAT_INTERVAL_MS, () => this.#tick());
  }

  /** Looked at with every heartbeat of our own. */
  #lookAround(nowMs: number): boolean {
    if (this.#expected === null) return false;
    if (nowMs < this.#awakeFromMs) {
      this.#returnedMs ??= nowMs;
      return true;
    }
    if (nowMs < this.#fencesFromMs) return this.#isIsolated;
    const since = nowMs - ISOLATED_AFTER_MS;
    const peers = this.#expected.peers();
    const heard = peers.filter((id) => (this.#heard.get(id)?.atMs ?? since) > since);
    if (heard.length * 2 >= peers.length) return this.#isIsolated && !this.#hasReturned(nowMs);
    this.#returnedMs = null;
    return true;
  }

  /** Which of several is the controller is known when each has had the time to say so. */
  #hasReturned(nowMs: number): boolean {
    this.#returnedMs ??= nowMs;
    if (nowMs < this.#returnedMs + 2 * HEARTBEAT_INTERVAL_MS) return false;
    const { controller } = this;
    if (controller === null || !this.#expected!.hasSeen(controller.metadataEnd)) return false;
    // What this broker says of itself it has said all the while: others may have taken over.
    if (controller.brokerId !== this.#own?.().brokerId) return true;
    return this.#expected!.isConfirmed(this.#returnedMs);
  }

  #asleepMs(): number {
    return this.#own === null ? 0 : this.#env.clock.monotonicMs() - this.#lastTickMs;
  }

  #hear(beat: Heartbeat): void {
    this.#heard.set(beat.brokerId, { ...beat, atMs: this.#env.clock.monotonicMs() });
    for (const listener of this.#listeners) listener(beat);
    this.#tellAlone();
  }

  #tellAlone(): void {
    if (this.#alone.length === 0) return;
    const own = this.#own?.().brokerId;
    const since = this.#env.clock.monotonicMs() - BROKER_SESSION_MS;
    for (const { brokerId, incarnationId, atMs } of this.#heard.values())
      if (brokerId !== own && incarnationId !== "" && atMs > since) return;
    for (const resolve of this.#alone.splice(0)) resolve();
  }
}
