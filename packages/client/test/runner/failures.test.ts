// GroupConsumer.run: retries, dead letters, and records that end the process.
import { describe, expect, test } from "vitest";
import { type ConsumedRecord, Producer, type RunOptions } from "../../src/index.ts";
import { gate, text, until, useRuns } from "./harness.ts";

const runs = useRuns();

const headersOf = ({ headers }: ConsumedRecord) =>
  Object.fromEntries(headers.map(({ key, value }) => [key, text(value)]));

const FAST_RETRY = { maxRetries: 2, initialDelayMs: 1 };

describe("retries in order", () => {
  test("a key keeps its order, others do not wait for it", async () => {
    const topic = await runs.topic(["a:0", "b:1", "a:2", "b:3", "a:4"]);
    const seen: string[] = [];
    const failures = new Map([[0, 2]]);
    const run = await runs.start([topic], {
      retry: { maxRetries: 2, initialDelayMs: 20 },
      eachRecord: async ({ offset, key }, { attempt }) => {
        seen.push(`${text(key)}${offset}#${attempt}`);
        const left = failures.get(offset) ?? 0;
        failures.set(offset, left - 1);
        if (left > 0) throw new Error("not yet");
      },
    });
    await until(() => seen.length === 7);
    await run.stop();
    const of = (key: string) => seen.filter((each) => each.startsWith(key));
    expect(of("a")).toEqual(["a0#1", "a0#2", "a0#3", "a2#1", "a4#1"]);
    expect(seen.slice(0, 3)).toEqual(["a0#1", "b1#1", "b3#1"]);
    expect(await runs.committed(topic)).toBe(5);
  });

  test("a stop during the wait forgets no attempt", async () => {
    const topic = await runs.topic(["a:0"]);
    const attempts: number[] = [];
    const failed = gate();
    const options: RunOptions = {
      retry: { maxRetries: 2, initialDelayMs: 60_000 },
      deadLetter: {},
      eachRecord: (_, { attempt }) => {
        attempts.push(attempt);
        failed.open();
        throw new Error("no");
      },
    };
    for (let count = 1; count <= 3; count++) {
      const run = await runs.start([topic], options);
      await until(() => attempts.length === count);
      if (count === 3) await until(async () => (await runs.committed(topic)) === 1);
      await run.stop();
    }
    expect(attempts).toEqual([1, 2, 3]);
    expect(await runs.readAll(`${topic}.dlq`).catch(() => [])).toHaveLength(1);
  });

  test("a handler that hangs fails after handlerTimeoutMs, and its late result is ignored", async () => {
    const topic = await runs.topic(["a:0", "a:1"]);
    const late = gate();
    const seen: string[] = [];
    const signals: AbortSignal[] = [];
    const run = await runs.start([topic], {
      handlerTimeoutMs: 30,
      retry: FAST_RETRY,
      eachRecord: async ({ offset }, { attempt, signal }) => {
        seen.push(`${offset}#${attempt}`);
        signals.push(signal);
        if (offset === 0 && attempt === 1) {
          await late.passed;
          throw new Error("late");
        }
        if (offset === 0) late.open();
      },
    });
    await until(() => seen.length === 3);
    await run.stop();
    expect(seen).toEqual(["0#1", "0#2", "1#1"]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false]);
    expect(signals[0]!.reason).toMatchObject({ code: "TARPAN_TIMEOUT" });
    expect(await runs.committed(topic)).toBe(2);
  });

  test("an isFinal that throws ends the run", async () => {
    const topic = await runs.topic(["a:0"]);
    const bug = new Error("bug");
    const isFinal = () => {
      throw bug;
    };
    const run = await runs.start([topic], {
      retry: { ...FAST_RETRY, isFinal },
      eachRecord: () => Promise.reject(new Error("no")),
    });
    await expect(run.ended).rejects.toBe(bug);
    expect(await runs.committed(topic)).toBe(0);
  });
});

describe("dead letters", () => {
  test("what a dead letter says", async () => {
    const topic = await runs.topic([], 3);
    await new Producer(runs.client).send({
      ...{ topic, partition: 2, key: "k", value: "poison", timestamp: 1_700_000_000_000 },
      headers: [
        { key: "own", value: "1" },
        { key: "__dlq.errors.group", value: "another" },
      ],
    });
    const before = Date.now();
    const run = await runs.start([topic], {
      retry: FAST_RETRY,
      deadLetter: { prefix: "dead-", suffix: "" },
      eachRecord: async () => {
        throw new Error("no".repeat(1_000));
      },
    });
    await until(async () => (await runs.committed(topic, 2)) === 1);
    const { memberId } = run.consumer.member;
    await run.stop();
    const [letter, ...more] = await runs.readAll(`dead-${topic}`);
    expect(more).toEqual([]);
    const resource = { type: "topic" as const, name: `dead-${topic}` };
    const [retention] = await runs.admin.describeConfigs(resource, ["retention.ms"]);
    expect(retention!.value).toBe("-1");
    expect(text(letter!.key)).toBe("k");
    expect(text(letter!.value)).toBe("poison");
    expect(letter!.timestamp).toBe(1_700_000_000_000);
    const headers = headersOf(letter!);
    expect(headers).toMatchObject({
      own: "1",
      "__dlq.errors.topic": topic,
      "__dlq.errors.partition": "2",
      "__dlq.errors.offset": "0",
      "__dlq.errors.group": `group-of-${topic}`,
      "__dlq.errors.delivery.count": "3",
      "__dlq.errors.message": "no".repeat(500),
      "tarpan-reason": "retries-exhausted",
      "tarpan-consumer": memberId,
      "tarpan-attempts": "3",
    });
    expect(headers["tarpan-stack"]).toMatch(/^Error: nono/);
    expect(headers["tarpan-stack"]!.length).toBeLessThanOrEqual(4_000);
    expect(letter!.headers.filter(({ key }) => key === "__dlq.errors.group")).toHaveLength(1);
    const [first, last] = [headers["tarpan-first-failure"], headers["tarpan-last-failure"]];
    expect(Number(first)).toBeGreaterThanOrEqual(before);
    expect(Number(last)).toBeGreaterThanOrEqual(Number(first));
  });

  test("a final error is not retried, and anything may be thrown", async () => {
    const topic = await runs.topic(["a:0", "b:1"]);
    const attempts: number[] = [];
    const run = await runs.start([topic], {
      retry: { ...FAST_RETRY, isFinal: (error) => typeof error !== "string" },
      deadLetter: {},
      eachRecord: ({ offset }) => {
        attempts.push(offset);
        if (offset === 0) throw Object.create(null);
        throw "text";
      },
    });
    await until(async () => (await runs.committed(topic)) === 2);
    await run.stop();
    expect(attempts.filter((offset) => offset === 0)).toHaveLength(1);
    expect(attempts.filter((offset) => offset === 1)).toHaveLength(3);
    const letters = await runs.readAll(`${topic}.dlq`);
    const told = letters.map((each) => [
      headersOf(each)["tarpan-reason"],
      headersOf(each)["__dlq.errors.message"],
    ]);
    expect(told.sort()).toEqual([
      ["final-error", "a object without text"],
      ["retries-exhausted", "text"],
    ]);
  });

  test("a dead-letter topic that can't be written: not committed, retried, told", async () => {
    const topic = await runs.topic(["a:poison"]);
    const deadLetters = `${topic}.dlq`;
    const configs = { "max.message.bytes": "10" };
    await runs.admin.createTopic({ name: deadLetters, partitions: 1, configs });
    const run = await runs.start(
      [topic],
      { deadLetter: {}, eachRecord: () => Promise.reject(new Error("no")) },
      { autoCommitIntervalMs: 10 },
    );
    await until(() => runs.troubles.length > 0);
    expect(runs.troubles[0]).toMatchObject({
      kind: "retrying",
      what: `sending a failed record to ${deadLetters}`,
    });
    expect(await runs.committed(topic)).toBe(0);
    const resource = { type: "topic" as const, name: deadLetters };
    await runs.admin.alterConfigs(resource, { "max.message.bytes": null });
    await until(async () => (await runs.committed(topic)) === 1);
    await run.stop();
    expect(await runs.readAll(deadLetters)).toHaveLength(1);
  });
});

describe("a record that ends the process", () => {
  /** Runs until the poison record "kills" the process: its client goes without a good-bye. */
  async function crash(topic: string, options: RunOptions, seen: string[]): Promise<void> {
    const doomed = runs.newClient();
    const dead = gate();
    let alive = true;
    const eachRecord = async ({ value }: ConsumedRecord, { attempt }: { attempt: number }) => {
      if (!alive) return new Promise(() => {});
      await new Promise(setImmediate);
      if (!alive) return new Promise(() => {});
      if (text(value) !== "poison") return;
      alive = false;
      seen.push(`crash #${attempt}`);
      dead.open();
      return new Promise(() => {});
    };
    const fast = { sessionTimeoutMs: 300 };
    const run = await runs.start(
      [topic],
      { ...options, eachRecord, drainTimeoutMs: 0 },
      fast,
      doomed,
    );
    await dead.passed;
    await doomed.close();
    await run.ended.catch(() => {});
  }

  test.each([1, 4])(
    "it becomes a dead letter, others do not (concurrency %i)",
    async (concurrency) => {
      const sent = Array.from({ length: 9 }, (_, i) => `k${i}:${i === 5 ? "poison" : i}`);
      const topic = await runs.topic(sent);
      const options = { concurrency, retry: { maxRetries: 1 }, deadLetter: {} };
      const crashes: string[] = [];
      // The first is not counted: nothing was suspected. With others beside it, the second neither.
      const expected = concurrency === 1 ? 3 : 4;
      for (let count = 0; count < expected; count++) await crash(topic, options, crashes);
      const seen: string[] = [];
      const eachRecord = ({ value }: ConsumedRecord) => void seen.push(text(value)!);
      const run = await runs.start([topic], { ...options, eachRecord });
      await until(async () => (await runs.committed(topic)) === 9);
      await run.stop();
      expect(seen).not.toContain("poison");
      const letters = await runs.readAll(`${topic}.dlq`);
      expect(letters.map(({ value }) => text(value))).toEqual(["poison"]);
      expect(headersOf(letters[0]!)).toMatchObject({
        "tarpan-reason": "process-ended",
        "tarpan-attempts": "2",
        "__dlq.errors.message": "the process ended during attempt 2",
      });
      expect(crashes.at(-1)).toBe("crash #2");
    },
  );
});
