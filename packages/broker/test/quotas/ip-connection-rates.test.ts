import { expect, test } from "vitest";
import { IpConnectionRates } from "../../src/quotas/ip-connection-rates.ts";
import { type ClientQuotas, entityKey, quotaEntity } from "../../src/quotas/quota-entity.ts";

function quotas(rates: readonly (readonly [ip: string | null, rate: number])[]) {
  return new Map(
    rates.map(([entityName, rate]): [string, ClientQuotas] => {
      const entity = quotaEntity([{ entityType: "ip", entityName }]);
      return [entityKey(entity), { entity, values: new Map([["connection_creation_rate", rate]]) }];
    }),
  );
}

test("an address has its own rate, or the default, however it is written", () => {
  const rates = new IpConnectionRates();
  expect(rates.of("10.0.0.1")).toBe(Number.POSITIVE_INFINITY);
  rates.update(
    quotas([
      ["10.0.0.1", 1],
      ["0:0::1", 2],
      ["::ffff:10.0.0.2", 3],
      [null, 9],
    ]),
  );
  const found = ["10.0.0.1", "::1", "10.0.0.2", "10.0.0.3"].map((address) => rates.of(address));
  expect(found).toEqual([1, 2, 3, 9]);
  rates.update(quotas([["::1", 2]]));
  expect(rates.of("10.0.0.1")).toBe(Number.POSITIVE_INFINITY);
});
