/** One part of an entity, as requests and records name it. */
export interface EntityPart {
  /** USER, CLIENT_ID or IP. */
  readonly entityType: string;
  /** Null for all that have no quota of their own. */
  readonly entityName: string | null;
}

/**
 * Whom a quota limits: a user, a client id, a user with one client id, or an address; Kafka's
 * `ClientQuotaEntity`. Each type is there once, in the order of their names.
 */
export type QuotaEntity = readonly EntityPart[];

export const USER = "user";
export const CLIENT_ID = "client-id";
export const IP = "ip";

/** The quotas of one entity. */
export interface ClientQuotas {
  readonly entity: QuotaEntity;
  /** By their names, such as `producer_byte_rate`; not empty. */
  readonly values: ReadonlyMap<string, number>;
}

/** As in Kafka, the last part counts if a type is named twice. */
export function quotaEntity(parts: readonly EntityPart[]): QuotaEntity {
  const names = new Map(parts.map(({ entityType, entityName }) => [entityType, entityName]));
  return [...names.keys()]
    .sort()
    .map((entityType) => ({ entityType, entityName: names.get(entityType)! }));
}

/** Different for different entities. */
export function entityKey(entity: QuotaEntity): string {
  return JSON.stringify(entity.map(({ entityType, entityName }) => [entityType, entityName]));
}
