import { expect, test } from "vitest";
import { TokenBucket } from "../../src/quotas/token-bucket.ts";
import { WindowedRate } from "../../src/quotas/windowed-rate.ts";

const WINDOW = { samples: 11, sampleMs: 1_000 };

test("the throttle times are those of Kafka's ClientQuotaManagerTest", () => {
  // 400 each second, and 2,300 half a second later, with a quota of 500: Kafka throttles 2,100 ms.
  const rate = new WindowedRate(WINDOW);
  let nowMs = 50_000;
  for (let i = 0; i < 10; i++) {
    rate.record(400, nowMs);
    expect(rate.throttleMs(500, nowMs)).toBe(0);
    nowMs += 1_000;
  }
  nowMs += 500;
  rate.record(2_300, nowMs);
  expect(rate.throttleMs(500, nowMs)).toBe(2_100);
  // The same holds until the quota allows what was recorded.
  nowMs += 2_100;
  rate.record(0, nowMs);
  for (let i = 0; i < 10; i++) {
    rate.record(400, nowMs);
    nowMs += 1_000;
  }
  expect(rate.throttleMs(500, nowMs)).toBe(0);
});

test("the quota counts from the first record as if all samples were complete", () => {
  const rate = new WindowedRate(WINDOW);
  rate.record(5_000, 7);
  expect(rate.throttleMs(500, 7)).toBe(0);
  rate.record(50, 7);
  // (505 - 500) / 500 of 10 s.
  expect(rate.throttleMs(500, 7)).toBe(100);
  rate.record(-50, 7);
  expect(rate.throttleMs(500, 7)).toBe(0);
});

test("one sample more than the window has counts while it overlaps the window", () => {
  const rate = new WindowedRate({ samples: 2, sampleMs: 1_000 });
  rate.record(1_000, 0);
  rate.record(1_000, 999);
  rate.record(1_000, 1_000);
  rate.record(1_000, 2_000);
  expect(rate.total(2_998)).toBe(4_000);
  // 4,000 in 2,998 ms, with a quota of 1,000.
  expect(rate.throttleMs(1_000, 2_998)).toBe(1_002);
  expect(rate.total(2_999)).toBe(2_000);
  expect([rate.isIdle(3_999), rate.isIdle(4_000)]).toEqual([false, true]);
});

test("a token bucket begins full, and tokens come in at the rate of the quota", () => {
  // The numbers of Kafka's TokenBucket: a quota of 5 over 100 s, and a burst of 560.
  const bucket = new TokenBucket({ samples: 100, sampleMs: 1_000 });
  expect(bucket.throttleMs(5, 1_000)).toBe(0);
  bucket.take(560, 5, 1_000);
  expect(bucket.throttleMs(5, 1_000)).toBe(12_000);
  expect(bucket.throttleMs(5, 12_999)).toBe(1);
  expect(bucket.throttleMs(5, 13_000)).toBe(0);
  expect([bucket.isIdle(112_999), bucket.isIdle(113_000)]).toEqual([false, true]);
});

test("no throttle is longer than a response can tell", () => {
  const rate = new WindowedRate(WINDOW);
  rate.record(2 ** 40, 0);
  expect(rate.throttleMs(1, 0)).toBe(2 ** 31 - 1);
});
