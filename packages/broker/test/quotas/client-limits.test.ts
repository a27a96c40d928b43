import { expect, test } from "vitest";
import { LimitsOfClients } from "../../src/quotas/client-limits.ts";
import { MAX_METERS } from "../../src/quotas/meters.ts";
import { type ClientQuotas, entityKey, quotaEntity } from "../../src/quotas/quota-entity.ts";

const WINDOW = { samples: 11, sampleMs: 1_000 };

function limitsWith(names: Record<string, string | null>, bound = 10, key = "producer_byte_rate") {
  const limits = new LimitsOfClients({ client: WINDOW, controller: WINDOW });
  limits.update(quotas(names, bound, key));
  return limits;
}

function quotas(names: Record<string, string | null>, bound: number, key = "producer_byte_rate") {
  const entity = quotaEntity(
    Object.entries(names).map(([entityType, entityName]) => ({ entityType, entityName })),
  );
  return new Map<string, ClientQuotas>([
    [entityKey(entity), { entity, values: new Map([[key, bound]]) }],
  ]);
}

test("who shares a quota shares what is used of it", () => {
  const perUser = limitsWith({ user: null });
  const [one, two] = [{}, {}];
  const meter = perUser.of(one, "a", "x", 0).produce!.meter;
  expect(perUser.of(two, "a", "y", 0).produce!.meter).toBe(meter);
  expect(perUser.of(one, "b", "x", 0).produce!.meter).not.toBe(meter);
  const perClient = limitsWith({ "client-id": null });
  const other = perClient.of(one, "a", "x", 0).produce!.meter;
  expect(perClient.of(two, "b", "x", 0).produce!.meter).toBe(other);
  expect(perClient.of(two, "b", "", 0).produce!.meter).not.toBe(other);
});

test("a changed quota holds at once, and does not forget what was used", () => {
  const limits = limitsWith({ user: "a" });
  const connection = {};
  const before = limits.of(connection, "a", "x", 0);
  expect(limits.of(connection, "a", "x", 0)).toBe(before);
  limits.update(quotas({ user: "a" }, 20));
  const after = limits.of(connection, "a", "x", 0);
  expect([after.produce!.bound, after.produce!.meter]).toEqual([20, before.produce!.meter]);
  limits.update(quotas({ ip: null }, 5, "connection_creation_rate"));
  expect(limits.active).toBe(false);
});

test("many client ids take bounded memory, and dropping idle ones loses nothing", () => {
  const limits = limitsWith({ "client-id": null });
  const connection = {};
  for (let i = 0; i < 3 * MAX_METERS; i++) {
    limits.of(connection, "a", `id-${i}`, 0).produce!.meter.record(1, 0);
  }
  expect(limits.meters).toBeLessThanOrEqual(MAX_METERS);
  const lastId = `id-${3 * MAX_METERS - 1}`;
  const last = limits.of(connection, "a", lastId, 0).produce!.meter;
  expect(last.total(0)).toBe(1);
  // Eleven seconds later all are idle; one of them goes on.
  last.record(1, 10_000);
  for (let i = 0; i < MAX_METERS; i++) limits.of(connection, "a", `new-${i}`, 11_000);
  expect(limits.of(connection, "a", lastId, 11_000).produce!.meter.total(11_000)).toBe(1);
});

test("an id of 32 KiB is not kept", () => {
  const limits = limitsWith({ "client-id": null });
  const [long, longer] = ["x".repeat(30_000), "x".repeat(32_000)];
  const { produce } = limits.of({}, "a", long, 0);
  expect(produce!.clientId).toHaveLength(255);
  expect(limits.of({}, "a", longer, 0).produce!.meter).toBe(produce!.meter);
});
