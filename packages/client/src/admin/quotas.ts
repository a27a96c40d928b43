import { AlterClientQuotas, DescribeClientQuotas } from "@tarpan/protocol";
import {
  anyString,
  type Check,
  type Checks,
  mapOf,
  mustBe,
  nullable,
  shape,
} from "../checks/checks.ts";
import type { Client } from "../connection/client.ts";
import { assertOk } from "../errors.ts";

/**
 * Whom quotas limit: a user, a client id, a user with one client id, or an address. Null is the
 * default, for all that have no quota of their own.
 */
export interface QuotaEntity {
  readonly user?: string | null | undefined;
  readonly clientId?: string | null | undefined;
  readonly ip?: string | null | undefined;
}

export interface ClientQuota {
  readonly entity: QuotaEntity;
  /** By their names, such as `producer_byte_rate`. */
  readonly quotas: Readonly<Record<string, number>>;
}

const TYPES = { user: "user", clientId: "client-id", ip: "ip" } as const;

const PARTS = Object.entries(TYPES) as [keyof QuotaEntity, string][];

const part: Check = (name, value) => {
  return value === undefined ? null : nullable(anyString)(name, value);
};

export const quotaEntity: Check = shape({ user: part, clientId: part, ip: part } satisfies Checks<
  Required<QuotaEntity>
>);

export const quotaChanges: Check = mapOf((name, value) => {
  if (value === null || (typeof value === "number" && value > 0)) return null;
  return mustBe(name, value, "a number above 0, or null to remove the quota");
});

/** All quotas, sorted by their entities. */
export async function describeQuotas(client: Client): Promise<ClientQuota[]> {
  const request = { components: [], strict: false };
  const answer = await client.request(DescribeClientQuotas, request);
  assertOk(answer.errorCode, "quotas", answer.errorMessage);
  const found = (answer.entries ?? []).map(({ entity, values }) => {
    const names = new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]));
    const parts = PARTS.flatMap(([name, type]) => {
      return names.has(type) ? [[name, names.get(type)]] : [];
    });
    const quotas = values.map(({ key, value }) => [key, value]).sort();
    return { entity: Object.fromEntries(parts), quotas: Object.fromEntries(quotas) };
  });
  const text = ({ entity }: ClientQuota) => JSON.stringify(entity);
  return found.sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** Not sent again without an answer: another change may have been made in between. */
export async function alterQuotas(
  client: Client,
  entity: QuotaEntity,
  changes: Readonly<Record<string, number | null>>,
): Promise<void> {
  const parts = PARTS.flatMap(([name, entityType]) => {
    const entityName = entity[name];
    return entityName === undefined ? [] : [{ entityType, entityName }];
  });
  const ops = Object.entries(changes).map(([key, value]) => {
    return { key, value: value ?? 0, remove: value === null };
  });
  // Any broker: it asks the controller itself.
  const connection = await client.retrying("reaching a broker", () => client.anyConnection());
  const request = { entries: [{ entity: parts, ops }], validateOnly: false };
  const { entries } = await connection.request(AlterClientQuotas, request);
  for (const { errorCode, errorMessage } of entries) assertOk(errorCode, "quotas", errorMessage);
}
