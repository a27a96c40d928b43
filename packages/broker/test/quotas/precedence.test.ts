import fc from "fast-check";
import { expect, test } from "vitest";
import { QuotaIndex } from "../../src/quotas/precedence.ts";
import { type ClientQuotas, entityKey, quotaEntity } from "../../src/quotas/quota-entity.ts";

const KEY = "producer_byte_rate";

/** Undefined if the entity has no such part, null for its default. */
interface Entity {
  readonly user?: string | null | undefined;
  readonly clientId?: string | null | undefined;
}

/** As Kafka's documentation has it: /users/…/clients/…, in the order in which it is looked up. */
const PATHS = (user: string, clientId: string): readonly Entity[] => [
  { user, clientId },
  { user, clientId: null },
  { user },
  { user: null, clientId },
  { user: null, clientId: null },
  { user: null },
  { clientId },
  { clientId: null },
];

const name = fc.constantFrom("a", "b", "<default>", "");
const part = fc.constantFrom("a", "b", "<default>", null, undefined);
const entities = fc.array(
  fc.record({
    user: part,
    clientId: part,
    bound: fc.integer({ min: 1, max: 9 }),
    other: fc.boolean(),
  }),
  { maxLength: 20 },
);

function quotasOf(list: readonly (Entity & { bound: number; other: boolean })[]) {
  const quotas = new Map<string, ClientQuotas>();
  for (const { user, clientId, bound, other } of list) {
    const parts = [
      ...(user === undefined ? [] : [{ entityType: "user", entityName: user }]),
      ...(clientId === undefined ? [] : [{ entityType: "client-id", entityName: clientId }]),
    ];
    const entity = quotaEntity(parts);
    quotas.set(entityKey(entity), { entity, values: new Map([[other ? "other" : KEY, bound]]) });
  }
  return quotas;
}

test("the most specific of eight levels decides, and who shares a quota follows from it", () => {
  fc.assert(
    fc.property(entities, name, name, (list, user, clientId) => {
      const found = new QuotaIndex(quotasOf(list), KEY).find(user, clientId);
      // The naive model: the last one set of each entity, in the order of the paths.
      const path = PATHS(user, clientId).find((one) => {
        const last = list.findLast((e) => e.user === one.user && e.clientId === one.clientId);
        return last !== undefined && !last.other;
      });
      if (path === undefined) {
        expect(found).toBeNull();
        return;
      }
      const set = list.findLast((e) => e.user === path.user && e.clientId === path.clientId);
      expect(found).toEqual({
        bound: set!.bound,
        user: path.user === undefined ? null : user,
        clientId: path.clientId === undefined ? null : clientId,
      });
    }),
  );
});
