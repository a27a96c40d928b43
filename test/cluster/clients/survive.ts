import { Admin, Client } from "@tarpan/client";
import { expect } from "vitest";
import { readAll } from "../../harness/records.ts";
import { leaderConnection } from "../load/final-read.ts";
import type { ClientUnderTest } from "./client-under-test.ts";

const PARTITIONS = [0, 1, 2];
const REPLICAS = 3;

/** A cluster of which a broker can be killed. */
export interface Deathbed {
  readonly bootstrap: readonly string[];
  /** Kills a broker; resolves to a function that starts it again. */
  kill(brokerId: number): Promise<() => Promise<void>>;
}

/**
 * Real clients, by name, produce and consume while a broker that leads a partition of each topic is
 * killed and started again: every acknowledged record is stored, and the clients read all of them.
 */
export async function survive(
  { bootstrap, kill }: Deathbed,
  clients: ReadonlyMap<string, ClientUnderTest>,
): Promise<void> {
  const client = new Client({ bootstrap });
  const admin = new Admin(client);
  const all = [...clients].map(([name, under]) => ({ topic: `through-death-${name}`, under }));
  const each = <T>(work: (one: (typeof all)[number], index: number) => Promise<T>) =>
    Promise.all(all.map(work));
  // Created one after another, so that each broker leads a partition of every topic.
  for (const { topic } of all) {
    await admin.createTopic({ name: topic, partitions: PARTITIONS.length, replicas: REPLICAS });
  }
  const killLeader = async () => {
    return kill((await admin.describeTopic(all[0]!.topic)).partitions[0]!.leader);
  };

  const producing = await each(({ under, topic }) => under.produce(bootstrap, topic));
  await each((_, index) => producing[index]!.further());
  const revive = await killLeader();
  await each((_, index) => producing[index]!.further());
  const acknowledged = await each((_, index) => producing[index]!.finish());
  await revive();
  await each(async ({ under, topic }, index) => {
    const values = await stored(bootstrap, topic);
    const lost = acknowledged[index]!.filter((value) => !values.includes(value));
    expect(lost, topic).toEqual([]);
    if (under.idempotent) expect(new Set(values).size, topic).toBe(values.length);
  });

  const consuming = await each(({ under, topic }) => under.consume(bootstrap, topic));
  await each((_, index) => consuming[index]!.begun());
  const reviveAgain = await killLeader();
  // New records show that the client still fetches: it may have fetched the old ones before.
  await each(async ({ under, topic }) => {
    const more = await under.produce(bootstrap, topic);
    await more.further();
    await more.finish();
  });
  await reviveAgain();
  await each(async ({ topic }, index) => consuming[index]!.until(await stored(bootstrap, topic)));
  await client.close();
}

/** Every value of a topic, from the leaders of its partitions. */
async function stored(bootstrap: readonly string[], topic: string): Promise<string[]> {
  const values: string[] = [];
  for (const partition of PARTITIONS) {
    const connection = await leaderConnection(bootstrap, topic, partition);
    const { records } = await readAll(connection, topic, { partition });
    values.push(...records.map(({ value }) => Buffer.from(value!, "base64").toString()));
    connection.close();
  }
  return values;
}
