// Retries through delayed messages of a real broker.
import { expect, test } from "vitest";
import { type ConsumedRecord, Producer, type RunOptions } from "../../src/index.ts";
import { PROTOCOLS } from "../group/protocols.ts";
import { text, until, useRuns } from "./harness.ts";

const runs = useRuns();

const headerOf = ({ headers }: ConsumedRecord, name: string) =>
  headers.find(({ key }) => key === name)?.value ?? null;

/** What was asked of the broker so far; its own records have no key. */
async function delayedRecords(): Promise<ConsumedRecord[]> {
  return (await runs.readAll("__delayed")).filter(({ key }) => key !== null);
}

test("a record comes back until it succeeds, as it was, and others do not wait", async () => {
  const topic = await runs.topic();
  const timestamp = 1_700_000_000_000;
  const headers = [{ key: "own", value: "1" }];
  const producer = new Producer(runs.client);
  await producer.send({ topic, partition: 0, key: "a", value: null, headers, timestamp });
  await runs.produce(topic, ["a:1", "2"]);
  const seen: string[] = [];
  const first: ConsumedRecord[] = [];
  const run = await runs.start([topic], {
    retry: { maxRetries: 5, initialDelayMs: 10, backoffFactor: 3, mode: "non-blocking" },
    eachRecord: async (record, { attempt }) => {
      seen.push(`${record.offset}#${attempt}`);
      if (record.offset === 0) first.push(record);
      if (record.offset === 0 && attempt < 4) throw new Error("not yet");
      if (record.offset === 2 && attempt < 2) throw new Error("nor this");
    },
  });
  await until(() => seen.length === 7);
  const retries = `group-of-${topic}.retry`;
  const ofRetries = async () => {
    const offsets = await runs.admin.groupOffsets(`group-of-${topic}`);
    return offsets.filter((at) => at.topic === retries).reduce((sum, at) => sum + at.offset, 0);
  };
  await until(async () => (await runs.committed(topic)) === 3 && (await ofRetries()) === 4);
  await run.stop();
  expect(seen.toSorted().slice(4)).toEqual(["1#1", "2#1", "2#2"]);
  expect(seen.filter((each) => each.startsWith("0"))).toEqual(["0#1", "0#2", "0#3", "0#4"]);
  expect(first).toHaveLength(4);
  for (const record of first) {
    expect(record).toMatchObject({ topic, partition: 0, offset: 0, timestamp, value: null });
    expect(text(record.key)).toBe("a");
    expect(record.headers.map(({ key, value }) => [key, text(value)])).toEqual([["own", "1"]]);
  }
  const delayed = await delayedRecords();
  const delays = delayed.map((record) => text(headerOf(record, "tarpan-delay")));
  expect(delays.toSorted()).toEqual(["10ms", "10ms", "30ms", "90ms"]);
  expect(new Set(delayed.map(({ key }) => text(key))).size).toBe(4);
});

test.each(PROTOCOLS)(
  "after the last retry it becomes a dead letter (%s)",
  async (groupProtocol) => {
    const topic = await runs.topic(["a:poison"]);
    const attempts: number[] = [];
    const options: RunOptions = {
      retry: { maxRetries: 2, initialDelayMs: 1, mode: "non-blocking" },
      deadLetter: {},
      eachRecord: (_, { attempt }) => {
        attempts.push(attempt);
        throw new Error("no");
      },
    };
    const run = await runs.start([topic], options, { groupProtocol });
    await until(() => attempts.length === 3);
    await until(async () => (await runs.readAll(`${topic}.dlq`).catch(() => [])).length === 1);
    await run.stop();
    expect(attempts).toEqual([1, 2, 3]);
    const [letter] = await runs.readAll(`${topic}.dlq`);
    expect(text(letter!.value)).toBe("poison");
    const header = (name: string) => text(headerOf(letter!, name));
    expect(header("__dlq.errors.topic")).toBe(topic);
    expect(header("__dlq.errors.offset")).toBe("0");
    expect(header("__dlq.errors.delivery.count")).toBe("3");
    expect(Number(header("tarpan-first-failure"))).toBeLessThan(
      Number(header("tarpan-last-failure")) + 1,
    );
    expect(letter!.headers.some(({ key }) => key.startsWith("tarpan-retry-"))).toBe(false);
  },
);

test("a record that can't be delayed, because it is too large for that, is retried in place", async () => {
  const topic = await runs.topic(["a:1"]);
  const producer = new Producer(runs.client);
  await producer.send({ topic, partition: 0, key: "b", value: Buffer.alloc(1_046_000) });
  await producer.close();
  const attempts: number[] = [];
  const run = await runs.start([topic], {
    retry: { maxRetries: 5, initialDelayMs: 10, mode: "non-blocking" },
    eachRecord: async ({ offset }, { attempt }) => {
      if (offset === 1) attempts.push(attempt);
      if (offset === 1 && attempt < 3) throw new Error("not yet");
    },
  });
  await until(() => attempts.length === 3);
  await run.stop();
  expect(attempts).toEqual([1, 2, 3]);
  expect(await runs.committed(topic)).toBe(2);
});
