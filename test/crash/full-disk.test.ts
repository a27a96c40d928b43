import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DeleteTopics, ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { mountTmpfs } from "../harness/mount.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { RawMember } from "../harness/raw-group.ts";
import { createTopic, fetch, produce, readAll, textBatch } from "../harness/records.ts";

/** A file that is not the broker's, and fills the disk. */
async function fillUp(path: string): Promise<void> {
  const file = await open(path, "w");
  const chunk = Buffer.alloc(4096);
  try {
    for (;;) await file.write(chunk);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
  } finally {
    await file.close();
  }
}

/** A member that reads, sends heartbeats and commits, until it is told to stop. */
class Consumer {
  /** How often each error code was answered. */
  readonly answers = new Map<number, number>();
  #goesOn = true;
  readonly #topic: string;
  readonly #port: number;

  constructor(port: number, topic: string) {
    this.#port = port;
    this.#topic = topic;
  }

  async run(): Promise<void> {
    const member = await RawMember.alone(this.#port, `readers of ${this.#topic}`);
    const reader = await RawConnection.open(this.#port);
    for (let offset = 0; this.#goesOn; ) {
      const read = await fetch(reader, this.#topic, offset, { maxWaitMs: 10 });
      if (offset < read.highWatermark) offset++;
      const committed = { partitionIndex: 0, committedOffset: offset, committedMetadata: "" };
      const topics = [{ name: this.#topic, partitions: [committed] }];
      const codes = [read.errorCode, await member.heartbeat(), await member.commit({ topics })];
      for (const code of codes) this.answers.set(code, (this.answers.get(code) ?? 0) + 1);
    }
    member.connection.close();
    reader.close();
  }

  stop(): void {
    this.#goesOn = false;
  }
}

it("a full disk answers 56, reads go on, and writing resumes when there is space", async (context) => {
  const disk = await mountTmpfs("size=64m");
  if (disk === null) return context.skip("mounting a file system is not permitted here");
  const flags = ["--kafka", "group.initial.rebalance.delay.ms=0"];
  const broker = new BrokerProcess({ dataDirectory: join(disk, "data"), flags });
  await broker.start();
  const ask = async (path: string) => {
    const response = await globalThis.fetch(`http://${broker.bootstrap}${path}`);
    return response.text();
  };
  try {
    let connection = await RawConnection.open(broker.port);
    const topics = ["filling", "small", "goes"];
    for (const topic of topics) await createTopic(connection, topic);
    for (const topic of topics) await produce(connection, topic, textBatch("first"));
    const consumers = topics.map((topic) => new Consumer(broker.port, topic));
    const running = consumers.map((consumer) => consumer.run());
    const value = "x".repeat(900_000);
    let acknowledged = 1;
    const send = async () => {
      const { errorCode } = await produce(connection, "filling", textBatch(value));
      if (errorCode === 0) acknowledged++;
      return errorCode;
    };
    while (acknowledged < 11) await send();
    const reserve = join(broker.dataDirectory, ".tarpan-reserve");
    await expect.poll(() => stat(reserve).catch(() => null), { timeout: 10_000 }).not.toBeNull();
    expect(await ask("/metrics")).toContain("tarpan_disk_full 0");

    await fillUp(join(disk, "ballast"));
    expect(await send()).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    for (const topic of topics) {
      const { errorCode } = await produce(connection, topic, textBatch("x"));
      expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    }
    for (const { answers } of consumers) answers.clear();
    const read = await fetch(connection, "filling", acknowledged - 1);
    expect(read).toMatchObject({ errorCode: 0, highWatermark: acknowledged });
    expect(broker.output.match(/"level":"error".*is full \(\d+ bytes free\)/g)).toHaveLength(1);
    expect(await ask("/ready")).toContain("is full: nothing is stored until there is space");
    expect(await ask("/metrics")).toContain("tarpan_disk_full 1");
    // Reads, heartbeats and commits go on.
    const seen = () => consumers.map(({ answers }) => answers.get(ErrorCode.NONE) ?? 0);
    await expect.poll(() => Math.min(...seen())).toBeGreaterThan(30);
    for (const consumer of consumers) consumer.stop();
    await Promise.all(running);
    for (const { answers } of consumers) expect([...answers.keys()]).toEqual([ErrorCode.NONE]);

    // The reserved space is enough to restart, and to delete a topic.
    await broker.restart();
    connection = await RawConnection.open(broker.port);
    expect((await readAll(connection, "filling")).records).toHaveLength(acknowledged);
    expect(await send()).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const wanted = { topicNames: ["goes"], timeoutMs: 10_000 };
    const { responses } = await connection.request(DeleteTopics, 5, wanted);
    expect(responses[0]!.errorCode).toBe(ErrorCode.NONE);

    await rm(join(disk, "ballast"));
    await expect.poll(send, { timeout: 20_000, interval: 100 }).toBe(ErrorCode.NONE);
    expect(broker.output).toContain("has room again");
    expect((await readAll(connection, "filling")).records).toHaveLength(acknowledged);
    connection.close();
  } catch (error) {
    console.error(`The broker wrote:\n${broker.output}`);
    throw error;
  } finally {
    await broker.kill9();
  }
}, 120_000);
