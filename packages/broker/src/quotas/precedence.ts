import { CLIENT_ID, type ClientQuotas, type QuotaEntity, USER } from "./quota-entity.ts";

/** What limits a client, and with whom it shares that. */
export interface FoundQuota {
  readonly bound: number;
  /** Null if all users share it. */
  readonly user: string | null;
  /** Null if all clients of the user share it. */
  readonly clientId: string | null;
}

const OWN = "own";
const DEFAULT = "default";
const ANY = "any";

/** Kafka's order: the first of these entities that has the quota decides. */
const LEVELS = [
  { user: OWN, clientId: OWN },
  { user: OWN, clientId: DEFAULT },
  { user: OWN, clientId: ANY },
  { user: DEFAULT, clientId: OWN },
  { user: DEFAULT, clientId: DEFAULT },
  { user: DEFAULT, clientId: ANY },
  { user: ANY, clientId: OWN },
  { user: ANY, clientId: DEFAULT },
] as const;

/** A name, null for the default, undefined for an entity that has no such part. */
type Part = string | null | undefined;

/**
 * One quota of all users and client ids. A client may come with another id in each request, so this
 * takes only a few lookups.
 */
export class QuotaIndex {
  readonly #bounds = new Map<Part, Map<Part, number>>();

  /** `key` is the quota's name, such as `producer_byte_rate`. */
  constructor(quotas: ReadonlyMap<string, ClientQuotas>, key: string) {
    for (const { entity, values } of quotas.values()) {
      const bound = values.get(key);
      if (bound === undefined) continue;
      const user = partOf(entity, USER);
      const ofUser = this.#bounds.get(user) ?? new Map<Part, number>();
      this.#bounds.set(user, ofUser.set(partOf(entity, CLIENT_ID), bound));
    }
  }

  get isEmpty(): boolean {
    return this.#bounds.size === 0;
  }

  /** A default limits each of those whom it stands for on its own. Null if there is no limit. */
  find(user: string, clientId: string): FoundQuota | null {
    if (this.isEmpty) return null;
    for (const level of LEVELS) {
      const bound = this.#bounds.get(part(level.user, user))?.get(part(level.clientId, clientId));
      if (bound === undefined) continue;
      return {
        bound,
        user: level.user === ANY ? null : user,
        clientId: level.clientId === ANY ? null : clientId,
      };
    }
    return null;
  }
}

function partOf(entity: QuotaEntity, type: string): Part {
  return entity.find(({ entityType }) => entityType === type)?.entityName;
}

function part(level: (typeof LEVELS)[number]["user"], name: string): Part {
  if (level === OWN) return name;
  return level === DEFAULT ? null : undefined;
}
