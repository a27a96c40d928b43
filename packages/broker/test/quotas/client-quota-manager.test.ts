import { expect, test } from "vitest";
import { ClientQuotaManager } from "../../src/quotas/client-quota-manager.ts";
import { type ClientQuotas, entityKey } from "../../src/quotas/quota-entity.ts";
import { ManualTime } from "../env/manual-time.ts";

const WINDOW = { samples: 11, sampleMs: 1_000 };

function managed(key: string, bound: number) {
  const time = new ManualTime();
  const manager = new ClientQuotaManager({ client: WINDOW, controller: WINDOW }, time);
  const entity = [{ entityType: "user", entityName: null }];
  const quotas: ClientQuotas = { entity, values: new Map([[key, bound]]) };
  manager.update(new Map([[entityKey(entity), quotas]]));
  const throttles: number[] = [];
  const throttle = (throttleMs: number) => void throttles.push(throttleMs);
  const connection = { principal: { name: "a" }, throttle };
  return { time, manager, connection, throttles };
}

test("request_percentage limits the work of the event loop, and throttles one sample at most", () => {
  const { manager, connection, throttles } = managed("request_percentage", 1);
  const limits = manager.limitsOf(connection, null);
  // One percent of ten seconds.
  expect(manager.worked(limits, 100, connection)).toBe(0);
  // 102.5 ms in 10 s: 0.25 s more are needed. What came too late to throttle counts for the next.
  manager.workedOn(limits, 2.5);
  expect(manager.worked(limits, 0, connection)).toBe(250);
  expect(manager.worked(limits, 500, connection)).toBe(1_000);
  expect(throttles).toEqual([250, 1_000]);
  expect([manager.produced(limits, 1e9, connection), manager.active]).toEqual([0, true]);
});

test("violators are told apart, as many as a page can show", () => {
  const { manager, connection, throttles } = managed("producer_byte_rate", 1);
  for (let i = 0; i < 200; i++) {
    const violator = { ...connection, principal: { name: `user-${i}` } };
    manager.produced(manager.limitsOf(violator, "x"), 1_000, violator);
  }
  const [produce] = manager.stats;
  expect(throttles).toHaveLength(200);
  expect(produce!.throttled.requests).toBe(200);
  expect([...produce!.violators]).toHaveLength(50);
  expect([...produce!.violators][0]).toMatchObject({ user: "user-0", clientId: null, requests: 1 });
});
