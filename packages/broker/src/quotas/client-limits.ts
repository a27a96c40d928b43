import type { QuotaWindow } from "../config/kafka/typed.ts";
import { Meters } from "./meters.ts";
import { QuotaIndex } from "./precedence.ts";
import type { ClientQuotas } from "./quota-entity.ts";
import type { QuotaKind } from "./quota-stats.ts";
import { TokenBucket } from "./token-bucket.ts";
import { WindowedRate } from "./windowed-rate.ts";

/** A quota that limits a client, and what was used of it by all whom it limits together. */
export interface Limit<Meter> {
  readonly kind: QuotaKind;
  readonly bound: number;
  readonly user: string | null;
  readonly clientId: string | null;
  readonly meter: Meter;
}

/** All that limits a client; null where nothing does. */
export interface ClientLimits {
  readonly produce: Limit<WindowedRate> | null;
  readonly fetch: Limit<WindowedRate> | null;
  readonly request: Limit<WindowedRate> | null;
  readonly controllerMutation: Limit<TokenBucket> | null;
}

export interface QuotaWindows {
  readonly client: QuotaWindow;
  /** Of `controller_mutation_rate`. */
  readonly controller: QuotaWindow;
}

/** A client id can have 32 KiB. Longer ones that begin alike share what they may use. */
const MAX_ID_LENGTH = 255;

const NO_QUOTA = new QuotaIndex(new Map(), "");

interface Kind<Meter> {
  readonly kind: QuotaKind;
  readonly key: string;
  index: QuotaIndex;
  readonly meters: Meters<Meter & { isIdle(nowMs: number): boolean }>;
}

/** Finds what limits a client, and remembers it for each connection. */
export class LimitsOfClients {
  readonly #produce: Kind<WindowedRate>;
  readonly #fetch: Kind<WindowedRate>;
  readonly #request: Kind<WindowedRate>;
  readonly #mutation: Kind<TokenBucket>;
  /** What connections remember of an earlier version is void. */
  #version = 0;
  readonly #remembered = new WeakMap<object, Remembered>();
  /** False while no client has a quota: then nobody needs to ask. */
  active = false;

  constructor({ client, controller }: QuotaWindows) {
    const rate = () => ({
      index: NO_QUOTA,
      meters: new Meters(() => new WindowedRate(client)),
    });
    this.#produce = { kind: "produce", key: "producer_byte_rate", ...rate() };
    this.#fetch = { kind: "fetch", key: "consumer_byte_rate", ...rate() };
    this.#request = { kind: "request", key: "request_percentage", ...rate() };
    this.#mutation = {
      ...{ kind: "controller-mutation", key: "controller_mutation_rate" },
      ...{ index: NO_QUOTA, meters: new Meters(() => new TokenBucket(controller)) },
    };
  }

  /** Clients whose use is counted now. */
  get meters(): number {
    const kinds = [this.#produce, this.#fetch, this.#request, this.#mutation];
    return kinds.reduce((sum, { meters }) => sum + meters.size, 0);
  }

  update(quotas: ReadonlyMap<string, ClientQuotas>): void {
    this.#version++;
    const kinds = [this.#produce, this.#fetch, this.#request, this.#mutation];
    for (const kind of kinds) kind.index = new QuotaIndex(quotas, kind.key);
    this.active = kinds.some(({ index }) => !index.isEmpty);
  }

  /** `connection` is only what the limits are remembered for. */
  of(connection: object, user: string, clientId: string, nowMs: number): ClientLimits {
    const known = this.#remembered.get(connection);
    if (known?.version === this.#version && known.user === user && known.clientId === clientId) {
      return known.limits;
    }
    const id = clientId.length > MAX_ID_LENGTH ? clientId.slice(0, MAX_ID_LENGTH) : clientId;
    const limits = {
      produce: this.#limit(this.#produce, user, id, nowMs),
      fetch: this.#limit(this.#fetch, user, id, nowMs),
      request: this.#limit(this.#request, user, id, nowMs),
      controllerMutation: this.#limit(this.#mutation, user, id, nowMs),
    };
    // A long id is not kept: it would be as long for each connection.
    if (id === clientId) {
      this.#remembered.set(connection, { version: this.#version, user, clientId, limits });
    }
    return limits;
  }

  #limit<M>(
    { kind, index, meters }: Kind<M>,
    ofUser: string,
    ofClient: string,
    nowMs: number,
  ): Limit<M> | null {
    const found = index.find(ofUser, ofClient);
    // An infinite quota is valid in Kafka, too: it takes one user out of the limit of all users.
    if (found === null || found.bound === Number.POSITIVE_INFINITY) return null;
    const { bound, user, clientId } = found;
    const meter = meters.of(JSON.stringify([user, clientId]), nowMs, () => this.#version++);
    return { kind, bound, user, clientId, meter };
  }
}

interface Remembered {
  readonly version: number;
  readonly user: string;
  readonly clientId: string;
  readonly limits: ClientLimits;
}
