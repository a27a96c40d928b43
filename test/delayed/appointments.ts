import { Admin, Client, Consumer, Producer } from "@tarpan/client";
import { expect } from "vitest";
import type { SeededRandom } from "../harness/random.ts";

const TARGET_PARTITIONS = 3;
const LONGEST_DELAY_MS = 5_000;
const PAUSE_MS = 20;
const AT_A_TIME = 20;

export interface AppointmentOptions {
  /** Different for each run on one cluster. */
  readonly name: string;
  readonly bootstrap: readonly string[];
  readonly random: SeededRandom;
  readonly replicas: number;
  /** From the last fault until everything must have been delivered. */
  readonly deliveredWithinMs: number;
}

interface Appointment {
  readonly dueMs: number;
  /** Cancelled long before it was due, and that was acknowledged. */
  isCancelled: boolean;
}

/**
 * Delayed messages are produced, and some cancelled, while `faults` happen. Afterwards each one
 * that was acknowledged must have been delivered once, not before its time, and none of those that
 * were cancelled.
 */
export async function keepAppointments(
  options: AppointmentOptions,
  faults: () => Promise<void>,
): Promise<void> {
  const { name, bootstrap, random, replicas } = options;
  const client = new Client({ bootstrap: bootstrap.join(","), timeoutMs: 120_000 });
  try {
    const topic = `${name}-target`;
    await new Admin(client).createTopic({ name: topic, partitions: TARGET_PARTITIONS, replicas });
    const kept = new Map<string, Appointment>();
    let isOver = false;
    const producing = produce(client, { name, topic, random, kept }, () => isOver);
    await Promise.race([faults(), producing]);
    isOver = true;
    await producing;
    await check(client, topic, kept, options.deliveredWithinMs);
  } finally {
    await client.close();
  }
}

interface Load {
  readonly name: string;
  readonly topic: string;
  readonly random: SeededRandom;
  readonly kept: Map<string, Appointment>;
}

async function produce(client: Client, load: Load, isOver: () => boolean): Promise<void> {
  const { name, topic, random, kept } = load;
  const producer = new Producer(client);
  for (let round = 0; !isOver(); round++) {
    const ids = Array.from({ length: AT_A_TIME }, (_, i) => `${name}-${round}-${i}`);
    await Promise.all(
      ids.map(async (id) => {
        const isCancelled = random.chance(10);
        const delayMs = isCancelled ? 3_600_000 : random.below(LONGEST_DELAY_MS);
        const dueMs = Date.now() + delayMs;
        const headers = [
          { key: "tarpan-topic", value: topic },
          { key: "tarpan-deliver-at", value: String(dueMs) },
        ];
        await producer.send({ topic: "__delayed", key: id, value: id, headers });
        if (isCancelled) await producer.send({ topic: "__delayed", key: id, value: null });
        kept.set(id, { dueMs, isCancelled });
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await producer.close();
}

async function check(
  client: Client,
  topic: string,
  kept: ReadonlyMap<string, Appointment>,
  withinMs: number,
): Promise<void> {
  const consumer = new Consumer(client, { maxWaitMs: 100 });
  const partitions = Array.from({ length: TARGET_PARTITIONS }, (_, partition) => partition);
  await consumer.assign(
    partitions.map((partition) => ({ topic, partition, offset: "earliest" as const })),
  );
  const due = [...kept].filter(([, { isCancelled }]) => !isCancelled);
  const delivered = new Map<string, number[]>();
  const endMs = Date.now() + withinMs;
  while (delivered.size < due.length && Date.now() < endMs) {
    for (const { value, timestamp } of await consumer.poll()) {
      const id = Buffer.from(value!).toString();
      delivered.set(id, [...(delivered.get(id) ?? []), Number(timestamp)]);
    }
  }
  consumer.close();
  const missing = due.filter(([id]) => !delivered.has(id)).map(([id]) => id);
  const wrong = [...delivered].filter(([id, times]) => {
    const appointment = kept.get(id);
    return times.length !== 1 || appointment?.isCancelled || times[0]! < appointment!.dueMs;
  });
  console.log(`${due.length} messages due, ${delivered.size} delivered, ${kept.size} produced`);
  expect({ missing: missing.slice(0, 10), wrong: wrong.slice(0, 10) }).toEqual({
    ...{ missing: [], wrong: [] },
  });
  // Otherwise hardly anything was tried.
  expect(due.length).toBeGreaterThan(AT_A_TIME);
}
