import type { Env, Timer } from "../env/env.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { nodeText } from "../util/node-text.ts";
import { type Heartbeat, onHeartbeats, sendHeartbeat } from "./heartbeat.ts";
import {
  BROKER_SESSION_MS,
  CONTROLLER_SESSION_MS,
  HEARTBEAT_INTERVAL_MS,
  ISOLATED_AFTER_MS,
} from "./limits.ts";

/** If this broker's own timer fires this much late, its process was paused or got no CPU. */
const PAUSE_MS = CONTROLLER_SESSION_MS / 2;

interface LastHeartbeat extends Heartbeat {
  readonly atMs: number;
}

interface KnownController {
  readonly brokerId: number;
  readonly epoch: number;
  readonly metadataEnd: number;
}

interface MetadataReplicas {
  readonly epoch: number;
  readonly brokerIds: readonly number[];
}

/** What this broker needs to know before it may serve: see `isolated`. */
export interface Expected {
  /** All brokers in the metadata, this one included. */
  readonly brokers: () => readonly number[];
  /** Whether this broker's metadata holds everything below this offset. */
  readonly hasSeen: (metadataEnd: number) => boolean;
  /** Whether the metadata log confirmed after `sinceMs` that this broker is the controller. */
  readonly isConfirmed: (sinceMs: number) => boolean;
}

/**
 * Which brokers are alive, by the heartbeats that arrived here. It may be wrong without harm:
 * decisions that follow from it are records in a log, and a broker that was wrong is fenced there.
 */
export class Membership {
  readonly #env: Pick<Env, "clock" | "timers">;
  readonly #rpc: Rpc;
  readonly #lastHeartbeats = new Map<number, LastHeartbeat>();
  readonly #listeners = new Set<(beat: Heartbeat) => void>();
  readonly #isolatedListeners = new Set<() => void>();
  #aloneWaiters: (() => void)[] = [];
  #unsubscribe: () => void = () => {};
  #own: (() => Heartbeat) | null = null;
  #timer: Timer | undefined;
  #lastTickMs = 0;
  /** Null if this broker can't become isolated. */
  #expected: Expected | null = null;
  #isIsolated = false;
  /** As the latest controller told; null until one has. */
  #metadataReplicas: MetadataReplicas | null = null;
  /** When heartbeats from at least half of the brokers came again; null while they don't. */
  #returnedMs: number | null = null;
  /**
   * After a long pause this broker stays isolated until this time: the heartbeats that it reads
   * first were sent during the pause.
   */
  #isolatedUntilMs = 0;
  /**
   * Missing heartbeats count from this time on. A start or a pause of this process sets it one
   * session ahead: heartbeats sent before may not have been received.
   */
  #countsSilenceFromMs = Number.POSITIVE_INFINITY;

  constructor(env: Pick<Env, "clock" | "timers">, rpc: Rpc) {
    this.#env = env;
    this.#rpc = rpc;
  }

  /** Begins to receive heartbeats. */
  start(): void {
    this.#countsSilenceFromMs = this.#env.clock.monotonicMs() + BROKER_SESSION_MS;
    this.#unsubscribe = onHeartbeats(this.#rpc, (beat) => this.#receive(beat));
  }

  /** Sends `own()` to all brokers at every interval from now on. */
  announce(own: () => Heartbeat): void {
    const begun = this.#own !== null;
    this.#own = own;
    if (begun) {
      this.sendHeartbeat();
      return;
    }
    this.#lastTickMs = this.#env.clock.monotonicMs();
    this.#tick();
  }

  /** Sends a heartbeat at once, because its content has changed. */
  sendHeartbeat(): void {
    if (this.#own !== null) sendHeartbeat(this.#rpc, this.#own());
  }

  onHeartbeat(listener: (beat: Heartbeat) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `listener` is called whenever this broker becomes isolated. */
  onIsolated(listener: () => void): void {
    this.#isolatedListeners.add(listener);
  }

  /** Whether this incarnation of the broker sent a heartbeat within its session. */
  isAlive(brokerId: number, incarnationId: string): boolean {
    const last = this.#lastHeartbeats.get(brokerId);
    if (last?.incarnationId !== incarnationId) return false;
    return this.#env.clock.monotonicMs() - last.atMs < BROKER_SESSION_MS;
  }

  /** Whether its session has expired, and this broker received heartbeats all that time. */
  hasExpired(brokerId: number, incarnationId: string): boolean {
    return this.#hasListened() && !this.isAlive(brokerId, incarnationId);
  }

  /** The broker as log lines name it: "broker 1 (name)". */
  textOf(brokerId: number): string {
    return `broker ${nodeText(brokerId, this.#lastHeartbeats.get(brokerId)?.name)}`;
  }

  servesFollowed(brokerId: number): boolean {
    return this.#lastHeartbeats.get(brokerId)?.followerRead === true;
  }

  /** From now on this broker can become isolated. */
  expect(expected: Expected): void {
    this.#expected = expected;
  }

  /**
   * True while others may lead this broker's partitions without its knowledge: the brokers that it
   * gets no heartbeats from could write metadata without the others, because more than half of the
   * metadata's replicas are theirs; or it gets heartbeats again, but has not read the metadata that
   * was written meanwhile; or its process was paused just now.
   */
  get isolated(): boolean {
    if (this.#expected === null) return false;
    return this.#isIsolated || this.#sinceTickMs() > ISOLATED_AFTER_MS;
  }

  /** The cluster that other brokers belong to, null while no heartbeat names one. */
  get clusterId(): string | null {
    for (const { clusterId } of this.#lastHeartbeats.values())
      if (clusterId !== null) return clusterId;
    return null;
  }

  /** Ids of the brokers that sent a heartbeat within their session, ascending. */
  liveIds(): number[] {
    const since = this.#env.clock.monotonicMs() - BROKER_SESSION_MS;
    const live = [...this.#lastHeartbeats.values()].filter(({ atMs }) => atMs > since);
    return live.map(({ brokerId }) => brokerId).sort((a, b) => a - b);
  }

  /** Resolves when no live broker could take over from this one: brokers that stop can't. */
  whenNoSuccessor(): Promise<void> {
    return new Promise((resolve) => {
      this.#aloneWaiters.push(resolve);
      this.#wakeWhenAlone();
    });
  }

  /** The broker that claims to be the controller; of several, the one with the highest epoch. */
  get controller(): KnownController | null {
    const since = this.#hasListened()
      ? this.#env.clock.monotonicMs() - CONTROLLER_SESSION_MS
      : Number.NEGATIVE_INFINITY;
    let found: KnownController | null = null;
    for (const {
      brokerId,
      controllerEpoch: epoch,
      metadataEnd,
      atMs,
    } of this.#lastHeartbeats.values()) {
      if (epoch === null || atMs <= since) continue;
      if (found === null || epoch > found.epoch) found = { brokerId, epoch, metadataEnd };
    }
    return found;
  }

  /** No broker claimed to be the controller for a session in which this one got heartbeats. */
  get hasNoController(): boolean {
    return this.controller === null && this.#hasListened();
  }

  /** False for one session after a start or a pause, even before the timer notices the pause. */
  #hasListened(): boolean {
    const nowMs = this.#env.clock.monotonicMs();
    return nowMs >= this.#countsSilenceFromMs && nowMs - this.#lastTickMs <= PAUSE_MS;
  }

  close(): void {
    this.#timer?.cancel();
    this.#unsubscribe();
    this.#own = null;
  }

  #tick(): void {
    const nowMs = this.#env.clock.monotonicMs();
    if (this.#sinceTickMs() > PAUSE_MS) this.#countsSilenceFromMs = nowMs + BROKER_SESSION_MS;
    if (this.#sinceTickMs() > ISOLATED_AFTER_MS) this.#isolatedUntilMs = this.#countsSilenceFromMs;
    this.#lastTickMs = nowMs;
    const wasIsolated = this.#isIsolated;
    this.#isIsolated = this.#computeIsolated(nowMs);
    if (!wasIsolated && this.#isIsolated)
      for (const listener of this.#isolatedListeners) listener();
    this.#wakeWhenAlone();
    this.sendHeartbeat();
    this.#timer = this.#env.timers.after(HEARTBEAT_INTERVAL_MS, () => this.#tick());
  }

  #computeIsolated(nowMs: number): boolean {
    if (this.#expected === null) return false;
    if (nowMs < this.#isolatedUntilMs) {
      this.#returnedMs ??= nowMs;
      return true;
    }
    if (nowMs < this.#countsSilenceFromMs) return this.#isIsolated;
    const since = nowMs - ISOLATED_AFTER_MS;
    const voters = this.#metadataReplicas?.brokerIds ?? this.#expected.brokers();
    const heard = voters.filter((id) => (this.#lastHeartbeats.get(id)?.atMs ?? since) > since);
    if (heard.length * 2 >= voters.length) return this.#isIsolated && !this.#hasReturned(nowMs);
    this.#returnedMs = null;
    return true;
  }

  /** Waits two heartbeat intervals, so that a heartbeat of each claimed controller has arrived. */
  #hasReturned(nowMs: number): boolean {
    this.#returnedMs ??= nowMs;
    if (nowMs < this.#returnedMs + 2 * HEARTBEAT_INTERVAL_MS) return false;
    const { controller } = this;
    if (controller === null || !this.#expected!.hasSeen(controller.metadataEnd)) return false;
    // Its own claim proves nothing: another broker may have become the controller meanwhile.
    if (controller.brokerId !== this.#own?.().brokerId) return true;
    return this.#expected!.isConfirmed(this.#returnedMs);
  }

  #sinceTickMs(): number {
    return this.#own === null ? 0 : this.#env.clock.monotonicMs() - this.#lastTickMs;
  }

  #receive(beat: Heartbeat): void {
    this.#lastHeartbeats.set(beat.brokerId, { ...beat, atMs: this.#env.clock.monotonicMs() });
    this.#noteMetadataReplicas(beat);
    for (const listener of this.#listeners) listener(beat);
    this.#wakeWhenAlone();
  }

  #noteMetadataReplicas({ controllerEpoch: epoch, metadataReplicas: brokerIds }: Heartbeat): void {
    if (epoch === null || brokerIds.length === 0) return;
    if (epoch >= (this.#metadataReplicas?.epoch ?? 0))
      this.#metadataReplicas = { epoch, brokerIds };
  }

  #wakeWhenAlone(): void {
    if (this.#aloneWaiters.length === 0) return;
    const own = this.#own?.().brokerId;
    const since = this.#env.clock.monotonicMs() - BROKER_SESSION_MS;
    for (const { brokerId, incarnationId, atMs } of this.#lastHeartbeats.values())
      if (brokerId !== own && incarnationId !== "" && atMs > since) return;
    for (const resolve of this.#aloneWaiters.splice(0)) resolve();
  }
}
