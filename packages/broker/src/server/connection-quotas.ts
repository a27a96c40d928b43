import type { Env, Timer } from "../env/env.ts";
import type { RefusalReason } from "./refused-request.ts";

/** Limits of connections. They may change while the broker runs. */
export interface ConnectionLimits {
  /** `max.connections`: further ones wait until others have closed. */
  readonly maxConnections: number;
  /** `max.connections.per.ip`: further ones are closed. */
  readonly maxConnectionsPerIp: number;
  /** `max.connections.per.ip.overrides`, by address. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** `max.connection.creation.rate`, per second: further ones wait for their turn. */
  readonly maxConnectionCreationRate: number;
}

export const UNLIMITED: ConnectionLimits = {
  maxConnections: Number.POSITIVE_INFINITY,
  maxConnectionsPerIp: Number.POSITIVE_INFINITY,
  maxConnectionsPerIpOverrides: new Map(),
  maxConnectionCreationRate: Number.POSITIVE_INFINITY,
};

/** What is done with a connection. Exactly one of these is called, unless it is closed before. */
interface Arrival {
  admit(): void;
  refuse(reason: RefusalReason, why: string): void;
  /** It waits; called at once or not at all. */
  wait(why: string): void;
}

/** A connection that is counted, or that waits. */
export interface Place {
  readonly address: string;
  readonly arrival: Arrival;
  isCounted: boolean;
}

/** As many connections as may be created in this time are admitted at once. */
const BURST_MS = 1_000;

/**
 * Who may connect, as Kafka's `ConnectionQuotas` decides it: above `max.connections` and above the
 * rate connections wait, in the order they came; above the limit of their address they are closed.
 * Kafka leaves those that wait in the kernel's queue. Node.js can't, so they are accepted, and wait
 * here: the client sees no difference.
 */
export class ConnectionQuotas {
  readonly #limits: () => ConnectionLimits;
  readonly #env: Pick<Env, "clock" | "timers">;
  readonly #maxWaiting: number;
  readonly #countOf = new Map<string, number>();
  readonly #waiting = new Set<Place>();
  #count = 0;
  /** When the connections admitted so far have used up their rate. */
  #rateUsedUntilMs = 0;
  #timer: Timer | null = null;

  constructor(
    limits: () => ConnectionLimits,
    env: Pick<Env, "clock" | "timers">,
    maxWaiting: number,
  ) {
    this.#limits = limits;
    this.#env = env;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Connections above `max.connections`, which may have been lowered. */
  get excess(): number {
    return Math.max(0, this.#count - this.#limits().maxConnections);
  }

  enter(address: string, arrival: Arrival): Place {
    const place: Place = { address, arrival, isCounted: false };
    this.#waiting.add(place);
    const why = this.admitWaiting();
    if (why === null || !this.#waiting.has(place)) return place;
    if (this.#waiting.size <= this.#maxWaiting) arrival.wait(why);
    else {
      this.#waiting.delete(place);
      const wait = `${this.#maxWaiting} connections wait (socket.listen.backlog.size)`;
      arrival.refuse("too-many-connections", `${wait}: ${why}`);
    }
    return place;
  }

  leave(place: Place): void {
    this.#waiting.delete(place);
    if (!place.isCounted) return;
    place.isCounted = false;
    this.#count--;
    const ofAddress = this.#countOf.get(place.address)! - 1;
    if (ofAddress === 0) this.#countOf.delete(place.address);
    else this.#countOf.set(place.address, ofAddress);
    this.admitWaiting();
  }

  /** Admits those that wait, as far as the limits allow. Returns why others wait on. */
  admitWaiting(): string | null {
    for (const place of this.#waiting) {
      const { maxConnections, maxConnectionCreationRate: rate } = this.#limits();
      if (this.#count >= maxConnections) {
        return `${this.#count} connections are open, the most that max.connections allows`;
      }
      if (!this.#isWithinRate(rate)) {
        return `connections come faster than max.connection.creation.rate (${rate} per second)`;
      }
      this.#waiting.delete(place);
      this.#admit(place);
    }
    return null;
  }

  close(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #admit(place: Place): void {
    const { address, arrival } = place;
    const { maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#limits();
    const most = maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp;
    const ofAddress = this.#countOf.get(address) ?? 0;
    if (ofAddress >= most) {
      const open = `${ofAddress} of its connections are open`;
      arrival.refuse("too-many-connections-of-ip", `${open} (max.connections.per.ip: ${most})`);
      return;
    }
    place.isCounted = true;
    this.#count++;
    this.#countOf.set(address, ofAddress + 1);
    arrival.admit();
  }

  /** A rate below 1 admits one per second, as Kafka's does. */
  #isWithinRate(rate: number): boolean {
    if (rate === Number.POSITIVE_INFINITY) return true;
    const now = this.#env.clock.monotonicMs();
    const usedUntilMs = Math.max(this.#rateUsedUntilMs, now) + BURST_MS / Math.max(1, rate);
    const waitMs = usedUntilMs - now - BURST_MS;
    if (waitMs <= 0) {
      this.#rateUsedUntilMs = usedUntilMs;
      return true;
    }
    this.#timer ??= this.#env.timers.after(Math.ceil(waitMs), () => {
      this.#timer = null;
      this.admitWaiting();
    });
    return false;
  }
}
