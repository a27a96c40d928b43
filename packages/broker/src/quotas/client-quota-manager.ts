import type { Clock } from "../env/env.ts";
import {
  type ClientLimits,
  type Limit,
  LimitsOfClients,
  type QuotaWindows,
} from "./client-limits.ts";
import type { ClientQuotas } from "./quota-entity.ts";
import { type QuotaKind, QuotaStats } from "./quota-stats.ts";
import type { WindowedRate } from "./windowed-rate.ts";

/** The connection of a client, for its quotas. */
export interface ThrottledConnection {
  readonly principal: { readonly name: string };
  /** Begins no further request for so long. */
  throttle(throttleMs: number): void;
}

/** What becomes of a fetch. */
export interface Fetched {
  readonly throttleMs: number;
  readonly isEmpty: boolean;
}

/** What a client's request creates or deletes: so many partitions in each of its parts. */
export interface Mutations {
  readonly user: string;
  readonly clientId: string | null;
  /** Whether what is above the quota is refused; otherwise it only throttles. */
  readonly isStrict: boolean;
  readonly partitions: readonly number[];
}

export interface TakenMutations {
  readonly throttleMs: number;
  /** For each part. */
  readonly granted: readonly boolean[];
}

export const NOT_THROTTLED: Fetched = { throttleMs: 0, isEmpty: false };

/** All of one thread, in percent; the amount of 1 ms. */
const PERCENT_OF_MS = 100 / 1_000;

/**
 * Measures what clients use, and throttles those that use more than their quotas, as Kafka's
 * `ClientQuotaManager`, `ClientRequestQuotaManager` and `ControllerMutationQuotaManager`. Each
 * method returns for how long the client is throttled, ms; 0 if it is not.
 */
export class ClientQuotaManager {
  readonly stats: readonly QuotaStats[];
  readonly #clock: Clock;
  readonly #windows: QuotaWindows;
  readonly #limits: LimitsOfClients;
  readonly #statsOf: ReadonlyMap<QuotaKind, QuotaStats>;

  constructor(windows: QuotaWindows, clock: Clock) {
    this.#clock = clock;
    this.#windows = windows;
    this.#limits = new LimitsOfClients(windows);
    const kinds: QuotaKind[] = ["produce", "fetch", "request", "controller-mutation"];
    this.stats = kinds.map((kind) => new QuotaStats(kind));
    this.#statsOf = new Map(this.stats.map((stats) => [stats.kind, stats]));
  }

  /** False while no client has a quota. */
  get active(): boolean {
    return this.#limits.active;
  }

  /** Clients whose use is counted now. */
  get meters(): number {
    return this.#limits.meters;
  }

  update(quotas: ReadonlyMap<string, ClientQuotas>): void {
    this.#limits.update(quotas);
  }

  /** A client without an id has the empty one, so that a default limits it, too. */
  limitsOf(connection: ThrottledConnection, clientId: string | null): ClientLimits {
    const user = connection.principal.name;
    return this.#limits.of(connection, user, clientId ?? "", this.#nowMs());
  }

  /** Counts a produce request when it arrives. */
  produced({ produce }: ClientLimits, bytes: number, connection: ThrottledConnection): number {
    return produce === null ? 0 : this.#record(produce, bytes, connection);
  }

  /**
   * Counts a response to a fetch; if the client is throttled it must get an empty one instead,
   * which is not counted. A client that has fetched nothing for a whole window gets its response
   * all the same: otherwise it could never read a batch that is larger than its quota.
   */
  fetched({ fetch }: ClientLimits, bytes: number, connection: ThrottledConnection): Fetched {
    if (fetch === null) return NOT_THROTTLED;
    const nowMs = this.#nowMs();
    const before = fetch.meter.total(nowMs);
    fetch.meter.record(bytes, nowMs);
    const throttleMs = fetch.meter.throttleMs(fetch.bound, nowMs);
    this.throttle(fetch, throttleMs, connection);
    const isEmpty = throttleMs > 0 && before > 0;
    if (isEmpty) fetch.meter.record(-bytes, nowMs);
    return { throttleMs, isEmpty };
  }

  /** The largest response that a client which was silent can get without being throttled. */
  mostFetchBytes({ fetch }: ClientLimits): number {
    const { samples, sampleMs } = this.#windows.client;
    if (fetch === null) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.floor((fetch.bound * (samples - 1) * sampleMs) / 1_000));
  }

  /** Counts the time that the event loop worked for a request. Throttles one sample at most. */
  worked({ request }: ClientLimits, ms: number, connection: ThrottledConnection): number {
    if (request === null) return 0;
    return this.#record(request, ms * PERCENT_OF_MS, connection, this.#windows.client.sampleMs);
  }

  /** The same for work after which it is too late to throttle: the next request pays for it. */
  workedOn({ request }: ClientLimits, ms: number): void {
    request?.meter.record(ms * PERCENT_OF_MS, this.#nowMs());
  }

  /** Takes the partitions that the parts of a request create or delete. Throttles nobody yet. */
  takeMutations({ user, clientId, isStrict, partitions }: Mutations): TakenMutations {
    const nowMs = this.#nowMs();
    // Another broker's client has no connection here.
    const limit = this.#limits.of({}, user, clientId ?? "", nowMs).controllerMutation;
    if (limit === null) return { throttleMs: 0, granted: partitions.map(() => true) };
    const { meter, bound } = limit;
    let mostMs = 0;
    const granted = partitions.map((count) => {
      if (count === 0) return true;
      const throttleMs = isStrict ? meter.throttleMs(bound, nowMs) : 0;
      if (throttleMs === 0) meter.take(count, bound, nowMs);
      mostMs = Math.max(mostMs, isStrict ? throttleMs : meter.throttleMs(bound, nowMs));
      return throttleMs === 0;
    });
    return { throttleMs: mostMs, granted };
  }

  /** Counts and begins it. */
  throttle(limit: Limit<unknown>, throttleMs: number, connection: ThrottledConnection): void {
    if (throttleMs === 0) return;
    this.#statsOf.get(limit.kind)!.count(limit, throttleMs);
    connection.throttle(throttleMs);
  }

  #record(
    limit: Limit<WindowedRate>,
    amount: number,
    connection: ThrottledConnection,
    mostMs = Number.POSITIVE_INFINITY,
  ): number {
    const nowMs = this.#nowMs();
    limit.meter.record(amount, nowMs);
    const throttleMs = Math.min(mostMs, limit.meter.throttleMs(limit.bound, nowMs));
    this.throttle(limit, throttleMs, connection);
    return throttleMs;
  }

  /** Whole, as Kafka's. */
  #nowMs(): number {
    return Math.floor(this.#clock.monotonicMs());
  }
}
