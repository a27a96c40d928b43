// When `onTrouble` is called, and with what. The CLI's tests show that producers and consumers call
// it.

import { Broker } from "@tarpan/broker";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Client, ConnectionError, type Trouble } from "../src/index.ts";

let broker: Broker;
let client: Client;
let told: Trouble[];

beforeEach(async () => {
  broker = await Broker.start();
  told = [];
  const onTrouble = (trouble: Trouble) => told.push(trouble);
  client = new Client({ bootstrap: broker.bootstrap, timeoutMs: 300_000, onTrouble });
  await client.cluster();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(async () => {
  vi.useRealTimers();
  await client.close();
  await broker.stop();
});

const away = new ConnectionError("connection refused");

/** An operation that fails until it is told to end. */
function failing(what: string): { end: (error?: Error) => Promise<unknown> } {
  let outcome: Error | null = away;
  const done = client
    .retrying(what, async () => {
      if (outcome !== null) throw outcome;
    })
    .catch(() => {});
  const end = async (error: Error | null = null) => {
    outcome = error;
    await vi.advanceTimersByTimeAsync(2_000);
    await done;
  };
  return { end };
}

test("reports after two seconds, each minute, and the recovery", async () => {
  const work = failing("work");
  await vi.advanceTimersByTimeAsync(1_999);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual([{ kind: "retrying", what: "work", error: away, sinceMs: 2_000 }]);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(told).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(told[1]).toMatchObject({ kind: "retrying", sinceMs: 62_000 });
  await work.end();
  expect(told[2]).toMatchObject({ kind: "recovered", what: "work", error: null });
  expect(told).toHaveLength(3);
});

test("does not report an operation that recovers within two seconds", async () => {
  await failing("work").end();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(told).toEqual([]);
});

test("makes one report for all operations that fail at the same time", async () => {
  const [first, second] = [failing("first"), failing("second")];
  await vi.advanceTimersByTimeAsync(2_000);
  await first.end();
  expect(told.map(({ kind, what }) => [kind, what])).toEqual([["retrying", "first"]]);
  await second.end();
  expect(told[1]).toMatchObject({ kind: "recovered", what: "first" });
});

test("does not report recovery of an operation that gives up", async () => {
  const work = failing("work");
  await vi.advanceTimersByTimeAsync(2_000);
  await work.end(new TypeError("for good"));
  await vi.advanceTimersByTimeAsync(120_000);
  expect(told.map(({ kind }) => kind)).toEqual(["retrying"]);
});
