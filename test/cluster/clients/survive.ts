import { Admin, Client } from "@tarpan/client";
import { expect } from "vitest";
import { readAll } from "../../harness/records.ts";
import { leaderConnection } from "../load/final-read.ts";
import type { ClientUnderTest } from "./client-under-test.ts";

const PARTITIONS = [0, 1, 2];

/** Where a broker dies. */
export interface Deathbed {
  readonly bootstrap: readonly string[];
  readonly replicas: number;
  /** Kills a broker; resolves to what brings it back. */
  kill(leaderId: number): Promise<() => Promise<void>>;
}

/**
 * Produces and consumes on with a real client while the leader of a partition dies and comes back:
 * everything that the client was told is stored is, and it reads all of it.
 */
export async function survive(
  { bootstrap, replicas, kill }: Deathbed,
  name: string,
  under: ClientUnderTest,
): Promise<void> {
  const topic = `through-death-${name}`;
  const client = new Client({ bootstrap });
  const admin = new Admin(client);
  await admin.createTopic({ name: topic, partitions: PARTITIONS.length, replicas });
  const killLeader = async () => kill((await admin.describeTopic(topic)).partitions[0]!.leader);

  const producing = await under.produce(bootstrap, topic);
  await producing.further();
  const revive = await killLeader();
  // One broker alone has to come back first.
  if (replicas === 1) await revive();
  await producing.further();
  const acknowledged = await producing.finish();
  if (replicas > 1) await revive();
  const all = await stored(bootstrap, topic);
  expect(acknowledged.filter((value) => !all.includes(value))).toEqual([]);
  if (under.idempotent) expect(new Set(all).size).toBe(all.length);

  const consuming = await under.consume(bootstrap, topic);
  await consuming.further();
  const reviveAgain = await killLeader();
  if (replicas === 1) await reviveAgain();
  // What is new since shows that it reads on, rather than what it had fetched.
  const more = await under.produce(bootstrap, topic);
  await more.further();
  await more.finish();
  if (replicas > 1) await reviveAgain();
  await consuming.until(await stored(bootstrap, topic));
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
