import { Fetch } from "@tarpan/protocol";
import { expect, test } from "vitest";
import type { Histogram } from "../../src/metrics/histogram.ts";
import { RequestMetrics } from "../../src/metrics/request-metrics.ts";
import { WholeBroker } from "../handlers/whole-broker.ts";
import { batchOf, OPTIONS } from "../log/batches.ts";
import { ID, World } from "../log/jetstream/world.ts";
import { fill, start } from "../log/segment-fixture.ts";

const countOf = ({ counts }: Histogram) => counts.reduce((sum, count) => sum + count, 0);

test("each write that is synced is a flush; without syncs there is none before the close", async () => {
  const { engine, log } = await start({ mode: "always" });
  const before = countOf(engine.flushes);
  await fill(log, 3);
  expect(countOf(engine.flushes)).toBe(before + 3);

  const lazy = await start({ mode: "never" });
  await fill(lazy.log, 3);
  expect(countOf(lazy.engine.flushes)).toBe(0);
  await lazy.engine.close();
  expect(countOf(lazy.engine.flushes)).toBeGreaterThan(0);
});

test("a message to JetStream is a flush that lasts until it is acknowledged", async () => {
  const world = new World({ latencyMs: 20 });
  const engine = world.engine();
  await world.run(engine.replication.provision(ID, OPTIONS));
  const log = await world.run(engine.replication.lead(ID, OPTIONS));
  const { sumMs } = engine.flushes;
  const count = countOf(engine.flushes);
  const begunMs = world.time.monotonicMs();
  await world.run(log.append(batchOf(1), 0));
  const lastedMs = world.time.monotonicMs() - begunMs;
  expect(lastedMs).toBeGreaterThan(0);
  expect(countOf(engine.flushes)).toBe(count + 1);
  expect(engine.flushes.sumMs - sumMs).toBe(lastedMs);
});

test("a fetch without records is one that waits, until its time is over", async () => {
  const whole = await WholeBroker.start();
  await whole.createTopic("t", 1);
  const { fetchWaits } = whole.broker;
  const wanted = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 };
  const topics = [{ topic: "t", partitions: [wanted] }];
  const limits = { maxWaitMs: 500, minBytes: 1, forgottenTopicsData: [] };
  const answer = whole.call(Fetch, 12, { ...limits, topics });
  while (fetchWaits.waiting === 0) await new Promise(setImmediate);
  expect(fetchWaits).toMatchObject({ waiting: 1, waits: 1, waitedMs: 0 });
  whole.time.advance(500);
  await answer;
  expect(fetchWaits).toMatchObject({ waiting: 0, waits: 1, waitedMs: 500 });
});

test("of frequent requests some are timed, which count for the others, however many run together", () => {
  const requests = new RequestMetrics();
  let timedFor = 0;
  let timed = 0;
  for (let i = 0; i < 100_000; i++) {
    const counts = requests.begin(0);
    timedFor += counts.timedFor;
    if (counts.timedFor > 0) timed++;
    if (i % 16 === 15) for (let j = 0; j < 16; j++) counts.answered(0, 1);
  }
  expect(Math.abs(timedFor - 100_000)).toBeLessThan(16);
  expect(timed).toBeLessThan(8_000);
});
