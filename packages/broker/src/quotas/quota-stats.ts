/** What a quota limits; the label of its metrics. */
export type QuotaKind = "produce" | "fetch" | "request" | "controller-mutation";

/** How much of a client's time quotas have taken. */
interface Throttled {
  requests: number;
  timeMs: number;
}

/** Whom a quota has throttled; null for all. */
export interface Violator extends Throttled {
  readonly user: string | null;
  readonly clientId: string | null;
}

/** Violators told apart for each kind: clients choose their ids, and could fill the page. */
const MAX_VIOLATORS = 50;

/** Counts of one kind of quota since the start. */
export class QuotaStats {
  readonly kind: QuotaKind;
  readonly throttled: Throttled = { requests: 0, timeMs: 0 };
  readonly #violators = new Map<string, Violator>();

  constructor(kind: QuotaKind) {
    this.kind = kind;
  }

  /** The first ones; those that came when there were too many are only in `throttled`. */
  get violators(): Iterable<Violator> {
    return this.#violators.values();
  }

  count({ user, clientId }: Pick<Violator, "user" | "clientId">, throttleMs: number): void {
    add(this.throttled, throttleMs);
    const key = JSON.stringify([user, clientId]);
    let violator = this.#violators.get(key);
    if (violator === undefined) {
      if (this.#violators.size >= MAX_VIOLATORS) return;
      violator = { user, clientId, requests: 0, timeMs: 0 };
      this.#violators.set(key, violator);
    }
    add(violator, throttleMs);
  }
}

function add(throttled: Throttled, throttleMs: number): void {
  throttled.requests++;
  throttled.timeMs += throttleMs;
}
