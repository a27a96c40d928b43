import { Admin, Client, Consumer, Producer } from "@tarpan/client";
import { expect } from "vitest";
import type { SeededRandom } from "../harness/random.ts";
import { Member, type Resolution } from "./members.ts";

const TARGET_PARTITIONS = 3;
const PAUSE_MS = 20;
const AT_A_TIME = 20;

/** Checks come soon, and so often that none is rolled back before its answer. */
export const OFTEN_CHECKED = [
  "tarpan.half.message.timeout.ms=1000",
  "tarpan.half.message.check.interval.ms=1000",
  "tarpan.half.message.check.max=600",
];

export interface SettlementOptions {
  /** Different for each run on one cluster. */
  readonly name: string;
  readonly bootstrap: readonly string[];
  readonly random: SeededRandom;
  readonly replicas: number;
  /** From the last fault until everything must have been delivered. */
  readonly deliveredWithinMs: number;
}

/**
 * Half messages are produced while `faults` happen. Some are committed or rolled back by their
 * producer, the others by whoever of their group is asked: of its two members one dies. Afterwards
 * each one that was committed must have been delivered once, and none that was rolled back.
 */
export async function keepSettlements(
  options: SettlementOptions,
  faults: () => Promise<void>,
): Promise<void> {
  const { name, bootstrap, random, replicas } = options;
  const client = new Client({ bootstrap: bootstrap.join(","), timeoutMs: 120_000 });
  const outcomes = new Map<string, Resolution>();
  const members: Member[] = [];
  try {
    const admin = new Admin(client);
    const topic = `${name}-target`;
    await admin.createTopic({ name: topic, partitions: TARGET_PARTITIONS, replicas });
    await admin.createTopic({ name: `${name}.checks`, partitions: 4, replicas });
    for (let n = 0; n < 2; n++) {
      members.push(await Member.join(bootstrap[0]!, name, (id) => outcomes.get(id) ?? null));
    }
    let isOver = false;
    const load = { name, topic, random, outcomes };
    const producing = produce(client, load, () => isOver);
    await Promise.race([faults(), producing]);
    await members.pop()!.leave();
    isOver = true;
    await producing;
    await check(client, topic, outcomes, options.deliveredWithinMs);
    expect(members[0]!.asked).toBeGreaterThan(0);
  } finally {
    for (const member of members) await member.leave();
    await client.close();
  }
}

interface Load {
  /** Of the producer group. */
  readonly name: string;
  readonly topic: string;
  readonly random: SeededRandom;
  readonly outcomes: Map<string, Resolution>;
}

async function produce(client: Client, load: Load, isOver: () => boolean): Promise<void> {
  const { name, topic, random, outcomes } = load;
  const producer = new Producer(client);
  const send = (key: string, value: string | null, more: { key: string; value: string }) => {
    const headers = [{ key: "tarpan-producer-group", value: name }, more];
    return producer.send({ topic: "__half_messages", key, value, headers });
  };
  for (let round = 0; !isOver(); round++) {
    const ids = Array.from({ length: AT_A_TIME }, (_, i) => `${name}-${round}-${i}`);
    await Promise.all(
      ids.map(async (id) => {
        const resolution = random.chance(3) ? "rollback" : "commit";
        const isTold = !random.chance(4);
        await send(id, id, { key: "tarpan-topic", value: topic });
        // The local transaction is done: whoever is asked from now on finds its outcome.
        outcomes.set(id, resolution);
        if (isTold) await send(id, null, { key: "tarpan-resolution", value: resolution });
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await producer.close();
}

async function check(
  client: Client,
  topic: string,
  outcomes: ReadonlyMap<string, Resolution>,
  withinMs: number,
): Promise<void> {
  const consumer = new Consumer(client, { maxWaitMs: 100 });
  const partitions = Array.from({ length: TARGET_PARTITIONS }, (_, partition) => partition);
  await consumer.assign(
    partitions.map((partition) => ({ topic, partition, offset: "earliest" as const })),
  );
  const committed = [...outcomes].flatMap(([id, resolution]) =>
    resolution === "commit" ? [id] : [],
  );
  const delivered = new Map<string, number>();
  const endMs = Date.now() + withinMs;
  while (delivered.size < committed.length && Date.now() < endMs) {
    for (const { value } of await consumer.poll()) {
      const id = Buffer.from(value!).toString();
      delivered.set(id, (delivered.get(id) ?? 0) + 1);
    }
  }
  consumer.close();
  const missing = committed.filter((id) => !delivered.has(id));
  const wrong = [...delivered].filter(([id, times]) => {
    return times !== 1 || outcomes.get(id) !== "commit";
  });
  console.log(
    `${outcomes.size} half messages, ${committed.length} committed, ${delivered.size} here`,
  );
  expect({ missing: missing.slice(0, 10), wrong: wrong.slice(0, 10) }).toEqual({
    ...{ missing: [], wrong: [] },
  });
  // Otherwise hardly anything was tried.
  expect(committed.length).toBeGreaterThan(AT_A_TIME);
}
