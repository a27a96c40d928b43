// A record that kills its reader, with a real process and a real SIGKILL.
import { fileURLToPath } from "node:url";
import { Admin, Client, DeadLetters, Producer } from "@tarpan/client";
import { expect, test } from "vitest";
import { useBroker } from "../harness/broker-process.ts";
import { run } from "../harness/run.ts";

const broker = useBroker({ flags: ["--kafka", "group.initial.rebalance.delay.ms=0"] });
const reader = fileURLToPath(new URL("poison-reader.mjs", import.meta.url));

const CONCURRENCIES = process.env.TARPAN_CHAOS === "1" ? [1, 5] : [5];

test.each(CONCURRENCIES)(
  "it becomes a dead letter, and no other (concurrency %i)",
  async (concurrency) => {
    const topic = `poison-${concurrency}`;
    await using client = new Client({ bootstrap: broker.bootstrap });
    const admin = new Admin(client);
    await admin.createTopic({ name: topic, partitions: 1 });
    const values = Array.from({ length: 30 }, (_, at) => (at === 20 ? "poison" : `v${at}`));
    await using producer = new Producer(client);
    await producer.sendBatch(values.map((value) => ({ topic, partition: 0, key: value, value })));
    const env = {
      ...{ BOOTSTRAP: broker.bootstrap, TOPIC: topic },
      ...{ CONCURRENCY: String(concurrency), LAST: "v29" },
    };
    const seen = new Set<string>();
    let kills = 0;
    for (let ended = false; !ended; ) {
      const { code, signal, stdout, stderr } = await run(process.execPath, [reader], { env });
      for (const line of stdout.split("\n")) if (line !== "") seen.add(line);
      ended = code === 0;
      if (!ended) expect(signal, stderr).toBe("SIGKILL");
      if (!ended) expect(++kills).toBeLessThanOrEqual(4);
    }
    // Two attempts, the one before that made it suspicious, and one more beside others.
    expect(kills).toBe(concurrency === 1 ? 3 : 4);
    const healthy = values.filter((value) => value !== "poison");
    expect([...seen].sort()).toEqual(healthy.map((value) => `${value}#1`).sort());
    const letters = await new DeadLetters(client, `${topic}.dlq`).list();
    expect(letters.map(({ value, attempts, reason }) => [`${value}`, attempts, reason])).toEqual([
      ["poison", 2, "process-ended"],
    ]);
    expect(await admin.groupOffsets(`${topic}-group`)).toMatchObject([
      { offset: 30, metadata: "" },
    ]);
  },
);
