// Retention while leaders die: what is deleted stays deleted, and nothing else goes.
import { setTimeout as pause } from "node:timers/promises";
import { Admin, Client, Consumer, Producer } from "@tarpan/client";
import { expect } from "vitest";
import type { Cluster } from "../harness/cluster.ts";
import { ROUNDS } from "./chaos.ts";

const TOPIC = "retained";
const AT = { topic: TOPIC, partition: 0 };
const MIB = 1 << 20;
const VALUE_BYTES = 32 * 1024;
/** A log's units there are of 2 MiB. */
const KEPT_BYTES = 4 * MIB;
const CONFIGS = { "retention.bytes": `${KEPT_BYTES}`, "segment.bytes": `${MIB}` };
const PROGRESS_LIMIT_MS = 60_000;
const WATCH_PAUSE_MS = 50;

export const retentionFlags = [
  ...["--kafka", "log.initial.task.delay.ms=500"],
  ...["--kafka", "log.retention.check.interval.ms=500"],
];

/** The leader is killed again and again while it deletes what others produce. */
export async function deletesForGood(cluster: Cluster): Promise<void> {
  const client = new Client({ bootstrap: cluster.bootstrap });
  const admin = new Admin(client);
  await admin.createTopic({ name: TOPIC, partitions: 1, replicas: 3, configs: CONFIGS });
  const run = new Run(client, admin);
  const loops = [run.produce(), run.watchStart(), run.readDeleted()];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      await run.deletesMore();
      const { leader } = (await admin.describeTopic(TOPIC)).partitions[0]!;
      await cluster.byId(leader).kill9("both");
      await run.deletesMore();
      await cluster.byId(leader).start();
      await cluster.settled();
    }
    await run.deletesMore();
  } finally {
    run.isOver = true;
    await Promise.allSettled(loops);
  }
  await Promise.all(loops);
  await run.expectRest();
  await client.close();
}

class Run {
  isOver = false;
  readonly #client: Client;
  readonly #admin: Admin;
  /** The text of each acknowledged record, by its offset. */
  readonly #acked = new Map<number, string>();
  /** The largest start of the log that was seen. */
  #start = 0;
  /** How often a reader of a deleted offset was told so. */
  #refused = 0;

  constructor(client: Client, admin: Admin) {
    this.#client = client;
    this.#admin = admin;
  }

  async produce(): Promise<void> {
    const producer = new Producer(this.#client);
    for (let i = 0; !this.isOver; i++) {
      const text = `${i} `.padEnd(VALUE_BYTES, ".");
      const sent = await producer.send({ ...AT, value: text }).catch(() => null);
      if (sent !== null) this.#acked.set(sent.offset, text);
    }
    await producer.close();
  }

  /** The start of the log never goes back, whoever leads it. */
  async watchStart(): Promise<void> {
    for (; !this.isOver; await pause(WATCH_PAUSE_MS)) {
      const before = this.#start;
      const found = await this.#admin.offset(AT, "earliest").catch(() => before);
      expect(found, "the log's start went back").toBeGreaterThanOrEqual(before);
      this.#start = found;
    }
  }

  /** No leader gives a record that an earlier one has deleted. */
  async readDeleted(): Promise<void> {
    for (; !this.isOver; await pause(WATCH_PAUSE_MS)) {
      if (this.#start === 0) continue;
      const consumer = new Consumer(this.#client, { patienceMs: 2_000 });
      await consumer.assign([{ ...AT, offset: this.#start - 1 }]);
      const records = await consumer.poll().catch(({ code }: Error & { code?: string }) => {
        if (code === "TARPAN_OFFSET_OUT_OF_RANGE") this.#refused += 1;
        return [];
      });
      await consumer.close();
      expect(records.map(({ offset }) => offset)).toEqual([]);
    }
  }

  /** Resolves when retention has deleted more than now. */
  async deletesMore(): Promise<void> {
    const before = this.#start;
    await expect.poll(() => this.#start, { timeout: PROGRESS_LIMIT_MS }).toBeGreaterThan(before);
  }

  /** Everything acknowledged and not deleted is there, as it was sent. */
  async expectRest(): Promise<void> {
    expect(this.#refused).toBeGreaterThan(0);
    const end = await this.#admin.offset(AT, "latest");
    const consumer = new Consumer(this.#client);
    await consumer.assign([{ ...AT, offset: "earliest" }]);
    const found = new Map<number, string>();
    for (let at = 0; at < end; ) {
      for (const { offset, value } of await consumer.poll()) {
        found.set(offset, new TextDecoder().decode(value!));
        at = offset + 1;
      }
    }
    await consumer.close();
    const first = Math.min(...found.keys());
    expect(first).toBeGreaterThanOrEqual(this.#start);
    for (const [offset, text] of this.#acked)
      if (offset >= first) expect(found.get(offset), `offset ${offset}`).toBe(text);
  }
}
