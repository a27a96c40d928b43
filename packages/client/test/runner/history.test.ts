// Runs that come, end and die, with handlers that fail at random: nothing is lost or goes back.
import { expect, test } from "vitest";
import { type ConsumedRecord, DeadLetters, type RunOptions } from "../../src/index.ts";
import { PROTOCOLS } from "../group/protocols.ts";
import { text, until, useRuns } from "./harness.ts";

const runs = useRuns();
const PARTITIONS = 4;

const CONCURRENCIES = process.env.TARPAN_CHAOS === "1" ? [1, 2, 8, 40] : [8];

const CASES = PROTOCOLS.flatMap((protocol) =>
  CONCURRENCIES.map((concurrency) => [protocol, concurrency] as const),
);

test.each(CASES)(
  "%s: members come, leave and die (concurrency %i)",
  async (protocol, concurrency) => {
    const topic = await runs.topic([], PARTITIONS);
    const groupId = `group-of-${topic}`;
    const succeeded = new Map<string, number>();
    /** By partition and key: the offsets in the order in which they succeeded first. */
    const orders = new Map<string, number[]>();
    let failures = 0;
    const eachRecord = async ({ key, value, partition, offset }: ConsumedRecord) => {
      await new Promise(setImmediate);
      const id = `${partition}:${offset}`;
      if (text(value) === "poison") throw new Error("poison");
      // Some fail at first.
      if (Number(text(value)) % 7 === 0 && !succeeded.has(id) && failures++ % 3 !== 2)
        throw new Error("not yet");
      const lane = `${partition}:${text(key)}`;
      if (!succeeded.has(id)) orders.set(lane, [...(orders.get(lane) ?? []), offset]);
      succeeded.set(id, (succeeded.get(id) ?? 0) + 1);
    };
    const options: RunOptions = {
      ...{ eachRecord, concurrency, deadLetter: {}, maxUncommittedRecords: 40 },
      retry: { maxRetries: 50, initialDelayMs: 1, isFinal: (e) => `${e}`.includes("poison") },
    };
    const times = protocol === "classic" ? { sessionTimeoutMs: 500 } : {};
    const consumer = { groupProtocol: protocol, ...times, autoCommitIntervalMs: 20 };
    const start = (client = runs.client) => runs.start([topic], options, consumer, client);
    const history = new Map<number, number>();
    const watch = async () => {
      for (const at of await runs.admin.groupOffsets(groupId)) {
        expect(at.offset).toBeGreaterThanOrEqual(history.get(at.partition) ?? 0);
        history.set(at.partition, at.offset);
      }
    };
    let sent = 0;
    const more = async () => {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const values = Array.from({ length: 25 }, (_, at) => {
          const value = at === 13 ? "poison" : String(sent + at);
          return `k${at % 6}:${value}`;
        });
        await runs.produce(topic, values, partition);
      }
      sent += 25;
      const total = () => [...history.values()].reduce((sum, offset) => sum + offset, 0);
      await until(async () => {
        await watch();
        return total() === sent * PARTITIONS;
      });
    };
    const doomed = runs.newClient();
    const one = await start();
    const [two] = [await start(), await start(doomed)];
    await more();
    await one.stop();
    await more();
    await start();
    await more();
    await doomed.close();
    await more();
    await two!.stop();
    await more();
    const letters = await new DeadLetters(runs.client, `${topic}.dlq`).list({}, 1_000);
    const dead = letters.map(({ origin }) => `${origin!.partition}:${origin!.offset}`);
    expect(new Set([...succeeded.keys(), ...dead]).size).toBe(sent * PARTITIONS);
    expect(new Set(dead).size).toBe((sent / 25) * PARTITIONS);
    for (const offsets of orders.values())
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  },
);
