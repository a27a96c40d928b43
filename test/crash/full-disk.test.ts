import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ErrorCode } from "@tarpan/protocol";
import { expect, it } from "vitest";
import { BrokerProcess } from "../harness/broker-process.ts";
import { mountTmpfs } from "../harness/mount.ts";
import { RawConnection } from "../harness/raw-connection.ts";
import { createTopic, fetch, produce, readAll, textBatch } from "../harness/records.ts";

const MEBIBYTE = 1024 * 1024;
const TRIES = 200;

it("a full disk answers 56, reads go on, and writing resumes when there is space", async (context) => {
  const disk = await mountTmpfs("size=64m");
  if (disk === null) return context.skip("mounting a file system is not permitted here");
  const ballast = join(disk, "ballast");
  await writeFile(ballast, Buffer.alloc(16 * MEBIBYTE));
  const broker = new BrokerProcess({ dataDirectory: join(disk, "data") });
  await broker.start();
  try {
    let connection = await RawConnection.open(broker.port);
    await createTopic(connection, "filling");
    const value = "x".repeat(900_000);
    let acknowledged = 0;
    const send = async () => {
      const { errorCode } = await produce(connection, "filling", textBatch(value));
      if (errorCode === 0) acknowledged++;
      return errorCode;
    };
    let errorCode = 0;
    for (let tries = 0; errorCode === 0 && tries < TRIES; tries++) errorCode = await send();
    expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect(acknowledged).toBeGreaterThan(10);
    expect(await send()).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    const read = await fetch(connection, "filling", acknowledged - 1);
    expect(read).toMatchObject({ errorCode: 0, highWatermark: acknowledged });

    await rm(ballast);
    await expect.poll(send, { timeout: 20_000, interval: 100 }).toBe(ErrorCode.NONE);
    await broker.restart();
    connection = await RawConnection.open(broker.port);
    expect((await readAll(connection, "filling")).records).toHaveLength(acknowledged);
    expect(await send()).toBe(ErrorCode.NONE);
    connection.close();
  } catch (error) {
    console.error(`The broker wrote:\n${broker.output}`);
    throw error;
  } finally {
    await broker.kill9();
  }
}, 120_000);
