// GroupConsumer.run: lanes, commits, ends.
import { describe, expect, test } from "vitest";
import { type ConsumedRecord, GroupConsumer, Producer } from "../../src/index.ts";
import { gate, text, until, useRuns } from "./harness.ts";

const runs = useRuns();

const named = ({ key, value }: ConsumedRecord) => `${text(key)}:${text(value)}`;

describe("lanes", () => {
  test("a key's records run one after another, other keys beside them", async () => {
    const keys = [..."abcdefgh"];
    const sent = Array.from({ length: 400 }, (_, i) => `${keys[(i * 7) % 8]}:${i}`);
    const topic = await runs.topic(sent);
    const running = new Set<string>();
    const seen = new Map<string, number[]>();
    let most = 0;
    let count = 0;
    const eachRecord = async ({ key, value }: ConsumedRecord) => {
      const name = text(key)!;
      expect(running).not.toContain(name);
      running.add(name);
      most = Math.max(most, running.size);
      await new Promise(setImmediate);
      seen.set(name, [...(seen.get(name) ?? []), Number(text(value))]);
      running.delete(name);
      count++;
    };
    const run = await runs.start([topic], { eachRecord, concurrency: 5 });
    await until(() => count === sent.length);
    await run.stop();
    expect(most).toBe(5);
    for (const values of seen.values()) expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(await runs.committed(topic)).toBe(sent.length);
  });

  test("with one handler at a time records run in the order of their offsets", async () => {
    const sent = Array.from({ length: 50 }, (_, i) => (i % 3 === 0 ? `${i}` : `k${i % 5}:${i}`));
    const topic = await runs.topic(sent);
    const seen: number[] = [];
    const eachRecord = (record: ConsumedRecord) => void seen.push(record.offset);
    const run = await runs.start([topic], { eachRecord });
    await until(() => seen.length === 50);
    await run.stop();
    expect(seen).toEqual([...Array(50).keys()]);
  });

  test("an order key in a header comes before the record's key", async () => {
    const topic = await runs.topic();
    const headers = [{ key: "tarpan-order-key", value: "o" }];
    const make = (key: string) => ({ topic, partition: 0, key, value: key, headers });
    await new Producer(runs.client).sendBatch(["x", "y", "z"].map(make));
    let running = 0;
    let done = 0;
    const eachRecord = async () => {
      expect(++running).toBe(1);
      await new Promise(setImmediate);
      running--;
      done++;
    };
    const run = await runs.start([topic], { eachRecord, concurrency: 3 });
    await until(() => done === 3);
    await run.stop();
  });

  test("a stuck key: others go on up to the bound, other partitions without one", async () => {
    const topic = await runs.topic(["stuck:0"], 2);
    await runs.produce(
      topic,
      Array.from({ length: 30 }, (_, i) => `k${i}:${i + 1}`),
    );
    await runs.produce(
      topic,
      Array.from({ length: 30 }, (_, i) => `p${i}:${i}`),
      1,
    );
    const stuck = gate();
    const seen: string[] = [];
    const eachRecord = async (record: ConsumedRecord) => {
      if (text(record.key) === "stuck") await stuck.passed;
      seen.push(named(record));
    };
    const options = { eachRecord, concurrency: 4, maxUncommittedRecords: 10 };
    const run = await runs.start([topic], options, { autoCommitIntervalMs: 20 });
    await until(async () => (await runs.committed(topic, 1)) === 30);
    // Itself and 9 more.
    expect(seen.filter((each) => each.startsWith("k"))).toHaveLength(9);
    expect(await runs.committed(topic)).toBe(0);
    stuck.open();
    await until(async () => (await runs.committed(topic)) === 31);
    await run.stop();
    expect(new Set(seen).size).toBe(61);
  });
});

describe("ends", () => {
  test("a handler that fails without retries and dead letters ends the run", async () => {
    const topic = await runs.topic(["a:0", "b:1", "c:2"]);
    const cause = new Error("no");
    const first = await runs.start([topic], {
      eachRecord: async ({ key }) => {
        if (text(key) === "b") throw cause;
      },
    });
    await expect(first.ended).rejects.toMatchObject({ code: "TARPAN_HANDLER_FAILED", cause });
    expect(first.consumer.closed).toBe(true);
    expect(await runs.committed(topic)).toBe(1);
    const seen: string[] = [];
    const second = await runs.start([topic], { eachRecord: (r) => void seen.push(named(r)) });
    await until(() => seen.length === 2);
    await second.stop();
    expect(seen).toEqual(["b:1", "c:2"]);
  });

  test("the signal: what runs is finished and committed, nothing more begins", async () => {
    const topic = await runs.topic(["a:0", "b:1", "c:2"]);
    const running = gate();
    const may = gate();
    const seen: number[] = [];
    const run = await runs.start([topic], {
      eachRecord: async ({ offset }) => {
        seen.push(offset);
        if (offset !== 1) return;
        running.open();
        await may.passed;
      },
    });
    await running.passed;
    const stopped = run.stop();
    may.open();
    await stopped;
    expect(seen).toEqual([0, 1]);
    expect(await runs.committed(topic)).toBe(2);
  });

  test("a handler that outlives drainTimeoutMs is told so, and its record is read again", async () => {
    const topic = await runs.topic(["a:0", "b:1"]);
    const running = gate();
    const late = gate();
    let signal: AbortSignal | null = null;
    const run = await runs.start([topic], {
      drainTimeoutMs: 20,
      eachRecord: async ({ offset }, context) => {
        if (offset === 0) return;
        signal = context.signal;
        running.open();
        await late.passed;
      },
    });
    await running.passed;
    await run.stop();
    expect(signal!.aborted).toBe(true);
    expect(signal!.reason).toMatchObject({ code: "TARPAN_REVOKED" });
    late.open();
    expect(await runs.committed(topic)).toBe(1);
  });

  test("close() by the application ends the run as the signal does", async () => {
    const topic = await runs.topic(["a:0"]);
    const done = gate();
    const run = await runs.start([topic], { eachRecord: () => done.open() });
    await done.passed;
    await run.consumer.close();
    await run.ended;
    expect(await runs.committed(topic)).toBe(1);
  });

  test("a signal that was aborted before: nothing runs", async () => {
    const topic = await runs.topic(["a:0"]);
    const run = await runs.start([topic], {
      eachRecord: () => expect.fail("it must not run"),
      signal: AbortSignal.abort(),
    });
    await run.ended;
    expect(await runs.committed(topic)).toBe(-1);
  });

  test("what run does itself is refused meanwhile", async () => {
    const topic = await runs.topic(["a:0"]);
    const done = gate();
    const { consumer } = await runs.start([topic], { eachRecord: () => done.open() });
    await done.passed;
    const at = [{ topic, partition: 0 }];
    const refused = { code: "TARPAN_RUNNING" };
    await expect(consumer.poll()).rejects.toMatchObject(refused);
    await expect(consumer.commit()).rejects.toMatchObject(refused);
    await expect(consumer.seek(topic, 0, 0)).rejects.toMatchObject(refused);
    await expect(consumer.run({ eachRecord: () => {} })).rejects.toMatchObject(refused);
    expect(() => consumer.pause(at)).toThrow(expect.objectContaining(refused));
    expect(() => consumer.resume(at)).toThrow(expect.objectContaining(refused));
  });

  test.each([
    [{}, /one of eachRecord and eachBatch/],
    [{ eachRecord: () => {}, eachBatch: () => {} }, /one of eachRecord and eachBatch/],
    [{ eachRecord: () => {}, concurrency: 101 }, /concurrency must be a whole number/],
    [{ eachRecord: () => {}, retry: {} as never }, /maxRetries is required/],
    [{ eachRecord: () => {}, retry: { maxRetries: 1, backoffFactor: 0.5 } }, /1 or more/],
    [{ eachRecord: () => {}, deadLetter: { suffix: "" } }, /can't both be empty/],
  ])("bad options %#", async (options, message) => {
    const consumer = new GroupConsumer(runs.client, { groupId: "bad" });
    const bad = { code: "TARPAN_BAD_OPTION", message: expect.stringMatching(message) };
    await expect(consumer.run(options)).rejects.toMatchObject(bad);
    const missing = { code: "TARPAN_NOT_SUBSCRIBED" };
    await expect(consumer.run({ eachRecord: () => {} })).rejects.toMatchObject(missing);
    const manual = new GroupConsumer(runs.client, { groupId: "bad", autoCommit: false });
    const eachRecord = () => {};
    const commits = { message: expect.stringMatching(/commits by itself/) };
    await expect(manual.run({ eachRecord })).rejects.toMatchObject(commits);
  });
});

describe("batches", () => {
  test("no more than 500 records at once, partitions beside each other", async () => {
    const sent = Array.from({ length: 1_100 }, (_, i) => `${i}`);
    const topic = await runs.topic(sent, 2);
    await runs.produce(topic, sent, 1);
    const seen: number[][] = [[], []];
    let running = 0;
    let most = 0;
    const run = await runs.start([topic], {
      concurrency: 2,
      eachBatch: async (records) => {
        expect(records.length).toBeLessThanOrEqual(500);
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        seen[records[0]!.partition]!.push(...records.map(({ offset }) => offset));
        running--;
      },
    });
    await until(() => seen.flat().length === 2_200);
    await run.stop();
    expect(most).toBe(2);
    for (const offsets of seen) expect(offsets).toEqual([...Array(1_100).keys()]);
    expect(await runs.committed(topic, 1)).toBe(1_100);
  });

  test("a partition's records in order; a batch that fails is repeated one by one", async () => {
    const sent = Array.from({ length: 40 }, (_, i) => `k:${i}`);
    const topic = await runs.topic(sent);
    const batches: number[][] = [];
    let failures = 0;
    const run = await runs.start([topic], {
      retry: { maxRetries: 1, initialDelayMs: 1 },
      eachBatch: async (records) => {
        batches.push(records.map(({ offset }) => offset));
        if (batches.at(-1)!.includes(7) && failures++ < 2) throw new Error("seven");
      },
    });
    await until(() => batches.flat().includes(39) && batches.at(-1)!.includes(39));
    await until(() => batches.filter((each) => each.includes(39)).length === 2);
    await run.stop();
    expect(batches[0]).toEqual([...Array(40).keys()]);
    const singles = [...Array(8).keys(), 7, ...Array.from({ length: 32 }, (_, i) => i + 8)];
    expect(batches.slice(1)).toEqual(singles.map((offset) => [offset]));
    expect(await runs.committed(topic)).toBe(40);
  });
});
