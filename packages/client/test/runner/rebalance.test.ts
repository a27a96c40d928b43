// GroupConsumer.run while the group gives partitions to others.
import { expect, test } from "vitest";
import type { ConsumedRecord } from "../../src/index.ts";
import { gate, until, useRuns } from "./harness.ts";

const runs = useRuns();

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `k${i}:${i}`);
const idOf = ({ partition, offset }: ConsumedRecord) => `${partition}:${offset}`;

test.each([
  ["range", { assignors: ["range"] }],
  ["cooperative-sticky", { assignors: ["cooperative-sticky"] }],
  ["consumer protocol", { groupProtocol: "consumer" }],
] as const)(
  "%s: runs share the partitions, and no record is handled twice",
  async (_name, protocol) => {
    const topic = await runs.topic([], 4);
    for (let partition = 0; partition < 4; partition++)
      await runs.produce(topic, numbers(100), partition);
    const seen: string[] = [];
    const handlers = { running: 0 };
    const eachRecord = async (record: ConsumedRecord) => {
      handlers.running++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      seen.push(idOf(record));
      handlers.running--;
    };
    const options = { ...protocol, autoCommitIntervalMs: 60_000 };
    const first = await runs.start([topic], { eachRecord, concurrency: 4 }, options);
    await until(() => seen.length > 20);
    const second = await runs.start([topic], { eachRecord, concurrency: 4 }, options);
    await until(() => second.consumer.assignment.length === 2 && seen.length >= 400);
    await first.stop();
    for (let partition = 0; partition < 4; partition++)
      await runs.produce(topic, numbers(10), partition);
    await until(() => seen.length >= 440);
    await second.stop();
    expect(new Set(seen).size).toBe(440);
    expect(seen).toHaveLength(440);
  },
);

test("a handler that outlives the drain of a revoked partition: its result is ignored", async () => {
  const topic = await runs.topic(["a:0", "b:1"]);
  const other = await runs.topic([]);
  const running = gate();
  const late = gate();
  let signal: AbortSignal | undefined;
  const options = { groupId: "revoke", assignors: ["range" as const], autoCommitIntervalMs: 10 };
  const first = await runs.start(
    [topic, other],
    {
      drainTimeoutMs: 20,
      eachRecord: async ({ offset }, context) => {
        if (offset === 0) return;
        signal ??= context.signal;
        running.open();
        await late.passed;
      },
    },
    options,
  );
  await running.passed;
  const seen: number[] = [];
  const eachRecord = ({ offset }: ConsumedRecord) => void seen.push(offset);
  const second = await runs.start([topic, other], { eachRecord }, options);
  // One of the two gets the partition: either way the record is handled again.
  await until(() => signal!.aborted);
  late.open();
  expect(signal!.reason).toMatchObject({ code: "TARPAN_REVOKED" });
  const end = async () => {
    const offsets = await runs.admin.groupOffsets("revoke");
    return offsets.find((at) => at.topic === topic)?.offset;
  };
  await until(async () => (await end()) === 2);
  await first.stop();
  await second.stop();
});

test("of a lost partition nothing is committed, and late results are ignored", async () => {
  const topic = await runs.topic(["a:0", "b:1"]);
  const doomed = runs.newClient();
  const running = gate();
  const late = gate();
  const first = await runs.start(
    [topic],
    {
      drainTimeoutMs: 0,
      eachRecord: async ({ offset }) => {
        if (offset === 0) return;
        running.open();
        await late.passed;
      },
    },
    { sessionTimeoutMs: 400 },
    doomed,
  );
  await running.passed;
  await doomed.close();
  const seen: string[] = [];
  const second = await runs.start([topic], { eachRecord: (each) => void seen.push(idOf(each)) });
  await until(() => seen.length === 2);
  late.open();
  await expect(first.ended).rejects.toMatchObject({ code: "TARPAN_CLOSED" });
  await second.stop();
  expect(seen).toEqual(["0:0", "0:1"]);
  expect(await runs.committed(topic)).toBe(2);
});
