import { expect, test } from "vitest";
import type { AuditEvent } from "../../src/audit/audit-event.ts";
import {
  MAX_KINDS,
  MAX_PRINCIPALS,
  REPEAT_INTERVAL_MS,
  RepeatedEvents,
} from "../../src/audit/repeated-events.ts";
import { ManualTime } from "../env/manual-time.ts";

const REFUSAL: AuditEvent = {
  ...{ event: "refusal", outcome: "denied", principal: "User:a", address: "10.0.0.1" },
  ...{ listener: "L", operation: "read", resource: "topic:t", detail: null },
};

function collecting() {
  const time = new ManualTime();
  const written: (readonly [AuditEvent, number])[] = [];
  const events = new RepeatedEvents(time, (...line) => void written.push(line));
  return { time, written, events };
}

test("the first event of a kind is written at once, the others are counted for a minute", () => {
  const { time, written, events } = collecting();
  for (let i = 0; i < 4; i++) events.add(REFUSAL);
  events.add({ ...REFUSAL, resource: "topic:u" });
  const first = [
    [REFUSAL, 0],
    [{ ...REFUSAL, resource: "topic:u" }, 0],
  ];
  expect(written).toEqual(first);
  time.advance(REPEAT_INTERVAL_MS);
  expect(written).toEqual([...first, [REFUSAL, 3]]);
  // The next minute begins with the next event.
  expect(time.pendingTimers).toBe(0);
  events.add(REFUSAL);
  expect(written.at(-1)).toEqual([REFUSAL, 0]);
  expect(written).toHaveLength(4);
});

test("200,000 refusals of any names are few lines, and none is left out of the counts", () => {
  const { time, written, events } = collecting();
  for (let i = 0; i < 200_000; i++) {
    const principal = `User:${i % 5_000}`;
    events.add({ ...REFUSAL, principal, resource: `topic:${i}`, address: `10.0.${i % 200}.1` });
  }
  time.advance(REPEAT_INTERVAL_MS);
  expect(written.length).toBeLessThanOrEqual(2 * (MAX_KINDS + MAX_PRINCIPALS + 1));
  const counted = written.reduce((sum, [, repeats]) => sum + (repeats || 1), 0);
  expect(counted).toBe(200_000);
  expect(written.at(-1)).toEqual([
    { ...REFUSAL, principal: "*", address: "*", listener: "*", operation: "*", resource: "*" },
    expect.any(Number),
  ]);
});
