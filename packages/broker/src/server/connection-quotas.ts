import type { QuotaWindow } from "../config/kafka/typed.ts";
import type { Env, Timer } from "../env/env.ts";
import { Meters } from "../quotas/meters.ts";
import { WindowedRate } from "../quotas/windowed-rate.ts";
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
  /** Over which `connection_creation_rate` of an address is measured. */
  readonly quotaWindow: QuotaWindow;
}

/** `connection_creation_rate` of an address, per second: further ones are closed. */
export type IpRateOf = (address: string) => number;

export const UNLIMITED: ConnectionLimits = {
  maxConnections: Number.POSITIVE_INFINITY,
  maxConnectionsPerIp: Number.POSITIVE_INFINITY,
  maxConnectionsPerIpOverrides: new Map(),
  maxConnectionCreationRate: Number.POSITIVE_INFINITY,
  quotaWindow: { samples: 11, sampleMs: 1_000 },
};

/** What is done with a connection. Exactly one of these is called, unless it is closed before. */
interface Arrival {
  admit(): void;
  refuse(reason: RefusalReason, why: string): void;
  /** It waits; called at once or not at all. */
  wait(why: string): void;
}

/** Why a connection is not accepted, and how long it should be held before it is closed. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly why: string;
  readonly holdMs: number;
}

/** A connection, from its accept to its end. */
export interface Place {
  readonly address: string;
  /** Silent until it speaks Kafka; then it waits, or it is counted. */
  state: "silent" | "waiting" | "counted" | "gone";
}

interface Waiting {
  readonly place: Place;
  readonly arrival: Arrival;
}

/** Connections of one address. */
interface OfAddress {
  silent: number;
  counted: number;
}

/** As many connections as may be created in this time are admitted at once. */
const BURST_MS = 1_000;

/**
 * Who may connect, as Kafka's `ConnectionQuotas` decides it: above `max.connections` and above the
 * rate connections wait, in the order they came; above the limits of their address they are closed.
 * Kafka leaves those that wait in the kernel's queue. Node.js can't, so they are accepted, and wait
 * here: the client sees no difference.
 *
 * It is not known what a connection speaks until its first bytes have come, and HTTP has no limit.
 * So each address may have as many silent connections as it may have of Kafka, TLS handshakes
 * included: an address at its limit can still be asked for its metrics.
 */
export class ConnectionQuotas {
  readonly #limits: () => ConnectionLimits;
  readonly #ipRateOf: IpRateOf;
  readonly #env: Pick<Env, "clock" | "timers">;
  readonly #maxWaiting: number;
  readonly #byAddress = new Map<string, OfAddress>();
  readonly #rates: Meters<WindowedRate>;
  readonly #waiting = new Map<Place, Waiting>();
  #count = 0;
  /** When the connections admitted so far have used up their rate. */
  #rateUsedUntilMs = 0;
  #timer: Timer | null = null;

  constructor(
    limits: () => ConnectionLimits,
    ipRateOf: IpRateOf,
    env: Pick<Env, "clock" | "timers">,
    maxWaiting: number,
  ) {
    this.#limits = limits;
    this.#ipRateOf = ipRateOf;
    this.#env = env;
    this.#maxWaiting = maxWaiting;
    this.#rates = new Meters(() => new WindowedRate(limits().quotaWindow));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Connections above `max.connections`, which may have been lowered. */
  get excess(): number {
    return Math.max(0, this.#count - this.#limits().maxConnections);
  }

  /** To be called for each connection at once, before anything is read from it. */
  accept(address: string): Place | Refusal {
    const tooFast = this.#tooFast(address);
    if (tooFast !== null) return tooFast;
    const { silent } = this.#of(address);
    const most = this.#mostOf(address);
    if (silent >= most) {
      const why = `${silent} of its connections have sent nothing`;
      return tooManyOfIp(`${why} (max.connections.per.ip: ${most})`);
    }
    this.#change(address, "silent", 1);
    return { address, state: "silent" };
  }

  /** It speaks Kafka. */
  enter(place: Place, arrival: Arrival): void {
    this.#change(place.address, "silent", -1);
    place.state = "waiting";
    this.#waiting.set(place, { place, arrival });
    const why = this.admitWaiting();
    if (why === null || !this.#waiting.has(place)) return;
    if (this.#waiting.size <= this.#maxWaiting) arrival.wait(why);
    else {
      this.leave(place);
      const wait = `${this.#maxWaiting} connections wait (socket.listen.backlog.size)`;
      arrival.refuse("too-many-connections", `${wait}: ${why}`);
    }
  }

  /** It speaks HTTP, which has no limits. */
  release(place: Place): void {
    this.leave(place);
    const { address } = place;
    if (this.#ipRateOf(address) !== Number.POSITIVE_INFINITY) this.#rate(address, -1);
  }

  leave(place: Place): void {
    const { address, state } = place;
    place.state = "gone";
    if (state === "waiting") this.#waiting.delete(place);
    if (state === "silent") this.#change(address, "silent", -1);
    if (state !== "counted") return;
    this.#change(address, "counted", -1);
    this.#count--;
    this.admitWaiting();
  }

  /** Admits those that wait, as far as the limits allow. Returns why others wait on. */
  admitWaiting(): string | null {
    for (const waiting of this.#waiting.values()) {
      const { maxConnections, maxConnectionCreationRate: rate } = this.#limits();
      if (this.#count >= maxConnections) {
        return `${this.#count} connections are open, the most that max.connections allows`;
      }
      if (!this.#isWithinRate(rate)) {
        return `connections come faster than max.connection.creation.rate (${rate} per second)`;
      }
      this.#waiting.delete(waiting.place);
      this.#admit(waiting);
    }
    return null;
  }

  close(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #admit({ place, arrival }: Waiting): void {
    const { counted } = this.#of(place.address);
    const most = this.#mostOf(place.address);
    if (counted >= most) {
      place.state = "gone";
      const { reason, why } = tooManyOfIp(
        `${counted} of its connections are open (max.connections.per.ip: ${most})`,
      );
      arrival.refuse(reason, why);
      return;
    }
    place.state = "counted";
    this.#count++;
    this.#change(place.address, "counted", 1);
    arrival.admit();
  }

  #of(address: string): OfAddress {
    return this.#byAddress.get(address) ?? { silent: 0, counted: 0 };
  }

  #mostOf(address: string): number {
    const { maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#limits();
    return maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp;
  }

  #change(address: string, what: keyof OfAddress, by: number): void {
    const counts = this.#of(address);
    counts[what] += by;
    if (counts.silent + counts.counted === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, counts);
  }

  /** As in Kafka, what is refused does not count, and is held for one sample at most. */
  #tooFast(address: string): Refusal | null {
    const bound = this.#ipRateOf(address);
    if (bound === Number.POSITIVE_INFINITY) return null;
    const meter = this.#rate(address, 1);
    const throttleMs = meter.throttleMs(bound, this.#nowMs());
    if (throttleMs === 0) return null;
    this.#rate(address, -1);
    const why = `its connections come faster than connection_creation_rate (${bound} per second)`;
    const holdMs = Math.min(throttleMs, this.#limits().quotaWindow.sampleMs);
    return { reason: "connection-rate-of-ip", why, holdMs };
  }

  #rate(address: string, connections: number): WindowedRate {
    const meter = this.#rates.of(address, this.#nowMs(), () => {});
    meter.record(connections, this.#nowMs());
    return meter;
  }

  /** Whole, as Kafka's. */
  #nowMs(): number {
    return Math.floor(this.#env.clock.monotonicMs());
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

function tooManyOfIp(why: string): Refusal {
  return { reason: "too-many-connections-of-ip", why, holdMs: 0 };
}
