// What the segment engine does when the disk is full or fails.
import { describe, expect, it } from "vitest";
import { DISK_RESERVE_BYTES, READ_FAILURE_REMINDER_MS } from "../../src/log/limits.ts";
import { DiskSpace } from "../../src/log/segment/disk-space.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { batchOf, OPTIONS } from "./batches.ts";
import {
  ALWAYS,
  basesOf,
  FIRST,
  failOn,
  fill,
  ID,
  leaveFree,
  restart,
  roomIsFound,
  start,
} from "./segment-fixture.ts";

async function secondsPass(env: TestEnv, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    env.time.advance(1000);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  }
}

describe("a full disk", () => {
  it("refuses appends, keeps the log readable, and ends once there is room", async () => {
    const { env, engine, log } = await start();
    await fill(log, 3);
    const used = env.fs.contentOf(FIRST).length;
    await leaveFree(env, 50);
    const refused = [log.append(batchOf(3, { valueBytes: 100 }), 0), log.append(batchOf(4), 0)];
    for (const each of await Promise.allSettled(refused))
      expect(each).toMatchObject({ status: "rejected", reason: { kind: "disk-full" } });
    expect(log).toMatchObject({ failure: null, endOffset: 3, nextOffset: 3 });
    expect(env.fs.contentOf(FIRST).length).toBe(used);
    expect(await basesOf(log)).toEqual([0, 1, 2]);
    env.fs.capacityBytes = Number.POSITIVE_INFINITY;
    await roomIsFound(env, engine);
    expect(await log.append(batchOf(5), 0)).toBe(3);
    const again = await restart(env);
    expect(await basesOf(again.log)).toEqual([0, 1, 2, 3]);
  });

  it("is reported at once, once a minute, and when it ends", async () => {
    const { env, engine, log, lines, alerts } = await start();
    const alertsOf = async (count: number) => {
      while (alerts.length < count) await new Promise(setImmediate);
      return alerts.length;
    };
    expect(engine.problem).toBeNull();
    await leaveFree(env, 50);
    await expect(log.append(batchOf(0, { valueBytes: 100 }), 0)).rejects.toThrow(
      "the disk is full (no space left on device (ENOSPC))",
    );
    const problem = "the disk of /data is full: nothing is stored until there is space";
    expect(engine.problem).toBe(problem);
    expect(alerts).toEqual([
      "the disk of /data is full (50 bytes free): records are refused, reads continue. Free " +
        "space on that file system, or delete topics or records; no restart is needed",
    ]);
    // While the disk counts as full, a batch is refused even if it would fit.
    await expect(log.append(batchOf(0), 0)).rejects.toThrow(problem);
    for (let second = 1; second <= 120; second++) {
      env.time.advance(1000);
      await new Promise(setImmediate);
    }
    expect(await alertsOf(3)).toBe(3);
    expect(lines).toEqual([]);
    env.fs.capacityBytes = Number.POSITIVE_INFINITY;
    await roomIsFound(env, engine);
    expect(lines).toEqual([expect.stringContaining("the disk of /data has room again")]);
    expect(await log.append(batchOf(0), 0)).toBe(0);
  });

  it("keeps its reserve for essential logs", async () => {
    const { env, engine, log } = await start();
    const metadata = await engine.create({ ...ID, partition: 1 }, { ...OPTIONS, essential: true });
    env.time.advance(1000);
    const reserve = async () => (await env.fs.stat("/data/.tarpan-reserve"))?.sizeBytes;
    while ((await reserve()) !== DISK_RESERVE_BYTES) await new Promise(setImmediate);
    await leaveFree(env, 50);
    expect(await metadata.append(batchOf(0, { valueBytes: 100 }), 0)).toBe(0);
    expect(await reserve()).toBeUndefined();
    await expect(log.append(batchOf(0), 0)).rejects.toMatchObject({ kind: "disk-full" });
    await expect(engine.create({ ...ID, partition: 2 }, OPTIONS)).rejects.toMatchObject({
      kind: "disk-full",
    });
    // Deleting makes room by itself.
    await leaveFree(env, 2 * DISK_RESERVE_BYTES - 1);
    env.time.advance(1000);
    await engine.delete(ID);
    while (env.fs.paths().some((path) => path.endsWith("-delete"))) {
      await new Promise(setImmediate);
    }
    await leaveFree(env, 2 * DISK_RESERVE_BYTES);
    await roomIsFound(env, engine);
    expect(await reserve()).toBe(DISK_RESERVE_BYTES);
  });

  it("lets logs of groups use a part of its reserve", async () => {
    const { env, engine, log } = await start();
    const groups = { ...OPTIONS, usesReserve: true };
    const commits = await engine.create({ ...ID, partition: 1 }, groups);
    const metadata = await engine.create({ ...ID, partition: 2 }, { ...OPTIONS, essential: true });
    env.time.advance(1000);
    const reserve = async () => (await env.fs.stat("/data/.tarpan-reserve"))?.sizeBytes;
    while ((await reserve()) !== DISK_RESERVE_BYTES) await new Promise(setImmediate);
    await leaveFree(env, 50);
    // The write that finds the disk full is repeated once the reserve is free.
    expect(await commits.append(batchOf(0, { valueBytes: 100 }), 0)).toBe(0);
    await expect(log.append(batchOf(0), 0)).rejects.toMatchObject({ kind: "disk-full" });
    expect(await commits.append(batchOf(1, { valueBytes: 300_000 }), 0)).toBe(1);
    await secondsPass(env, 1);
    expect(await commits.append(batchOf(2, { valueBytes: 300_000 }), 0)).toBe(2);
    await secondsPass(env, 1);
    await expect(commits.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "disk-full" });
    expect(await metadata.append(batchOf(0, { valueBytes: 300_000 }), 0)).toBe(0);
    expect(await basesOf(commits)).toEqual([0, 1, 2]);
    env.fs.capacityBytes = Number.POSITIVE_INFINITY;
    await roomIsFound(env, engine);
    expect(await commits.append(batchOf(3), 0)).toBe(3);
  });

  it("lets the engine open for reading and deleting, even after a crash", async () => {
    const { env, engine, log } = await start();
    env.time.advance(1000);
    await fill(log, 3);
    while (!env.fs.paths().includes("/data/.tarpan-reserve")) await new Promise(setImmediate);
    await leaveFree(env, 0);
    await expect(log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "disk-full" });
    // Another program has used the space of the reserve: not even an index can be written.
    await leaveFree(env, 0);
    const again = await restart(env);
    expect(again.engine.problem).toContain("the disk of /data is full");
    expect(await basesOf(again.log)).toEqual([0, 1, 2]);
    await expect(again.log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "disk-full" });
    env.fs.capacityBytes = Number.POSITIVE_INFINITY;
    await roomIsFound(again.env, again.engine);
    expect(await again.log.append(batchOf(3), 0)).toBe(3);
    await engine.close({ clean: false });
    await again.engine.close();
  });

  it("is found by polling when another process writes", async () => {
    const env = testEnv();
    await env.fs.makeDirectory("/data");
    const reported: string[] = [];
    const disk = await DiskSpace.open("/data", {
      env,
      alert: (line) => reported.push(`alert ${line}`),
      report: (line) => reported.push(line),
      means: "so it is",
      watched: true,
      onRoom: () => reported.push("on room"),
    });
    const seconds = (count: number) => secondsPass(env, count);
    await seconds(3);
    await leaveFree(env, DISK_RESERVE_BYTES);
    await seconds(3);
    expect([disk.isFull, reported]).toEqual([false, []]);
    await leaveFree(env, DISK_RESERVE_BYTES - 1);
    await seconds(3);
    expect(reported).toEqual([
      expect.stringMatching(/^alert the disk of \/data is full .*: so it is\. /),
    ]);
    env.fs.capacityBytes = Number.POSITIVE_INFINITY;
    await seconds(1);
    expect([disk.isFull, ...reported.slice(1)]).toEqual([
      false,
      expect.stringContaining("has room again"),
      "on room",
    ]);
    await leaveFree(env, 0);
    await seconds(1);
    expect(disk.isFull).toBe(true);
    await disk.close();
  });

  it("refuses appends when no new segment can be created", async () => {
    const { env, engine, log } = await start(ALWAYS, { ...OPTIONS, segmentBytes: 300 });
    await fill(log, 1);
    failOn(env, "open", "ENOSPC", "1.log");
    await expect(log.append(batchOf(1, { valueBytes: 100 }), 0)).rejects.toMatchObject({
      kind: "disk-full",
    });
    env.fs.fault = () => {};
    await roomIsFound(env, engine);
    expect(await log.append(batchOf(1, { valueBytes: 100 }), 0)).toBe(1);
    expect(await basesOf(log)).toEqual([0, 1]);
  });

  it("never deletes a segment that the last checkpoint refers to", async () => {
    const small = { ...OPTIONS, segmentBytes: 300 };
    const { env, log } = await start(ALWAYS, small);
    failOn(env, "write", "EIO", ".tmp");
    await fill(log, 10);
    env.fs.fault = () => {};
    await log.deleteBefore(5);
    const again = await restart(env, small);
    expect(again.log).toMatchObject({ startOffset: 5, endOffset: 10 });
    expect(await basesOf(again.log)).toEqual([5, 6, 7, 8, 9]);
  });

  it("refuses a new log, which can be created once there is room", async () => {
    const { env, engine } = await start();
    const second = { ...ID, partition: 1 };
    failOn(env, "write", "ENOSPC", ".tmp");
    await expect(engine.create(second, OPTIONS)).rejects.toMatchObject({ kind: "disk-full" });
    expect(await engine.list()).toEqual([ID]);
    env.fs.fault = () => {};
    await roomIsFound(env, engine);
    expect((await engine.create(second, OPTIONS)).endOffset).toBe(0);
  });

  it("refuses a checkpoint and keeps the previous one", async () => {
    const { env, log } = await start();
    await fill(log, 2);
    await log.saveCheckpoint(1, Uint8Array.of(1));
    failOn(env, "write", "ENOSPC", ".tmp");
    await expect(log.saveCheckpoint(2, Uint8Array.of(2))).rejects.toMatchObject({
      kind: "disk-full",
    });
    expect(await log.loadCheckpoint()).toEqual({ offset: 1, state: Uint8Array.of(1) });
    expect(log.failure).toBeNull();
  });

  it("never leaves a time index that ends before its segment", async () => {
    const small = { ...OPTIONS, segmentBytes: 300 };
    const { env, log } = await start(ALWAYS, small);
    await log.append(batchOf(0, { timestamp: 1000 }), 0);
    await log.saveCheckpoint(1, Uint8Array.of(1));
    await log.append(batchOf(1, { timestamp: 2000 }), 0);
    failOn(env, "write", "ENOSPC", ".timeindex");
    await log.append(batchOf(2, { timestamp: 500, valueBytes: 300 }), 0);
    await log.saveCheckpoint(3, Uint8Array.of(2));
    env.fs.fault = () => {};
    expect(await (await restart(env, small)).log.offsetAt(2000)).toBe(1);
  });
});

describe("a failing disk", () => {
  for (const operation of ["write", "open"] as const)
    it(`goes offline when ${operation} fails while appending`, async () => {
      const { env, log } = await start();
      if (operation === "write") await fill(log, 1);
      failOn(env, operation, "EIO");
      const appends = [log.append(batchOf(1), 0), log.append(batchOf(2), 0)];
      for (const each of await Promise.allSettled(appends))
        expect(each).toMatchObject({ status: "rejected", reason: { kind: "offline" } });
      env.fs.fault = () => {};
      expect(log.failure).toMatchObject({ kind: "offline", code: "TARPAN_LOG_OFFLINE" });
      await expect(log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "offline" });
      await expect(log.read(0, 100)).rejects.toMatchObject({ kind: "offline" });
    });

  it("never repeats a failed sync", async () => {
    const { env, engine, log } = await start({ mode: "interval", intervalMs: 100 });
    await fill(log, 2);
    failOn(env, "sync", "EIO");
    const syncs = () => env.fs.calls.get("sync") ?? 0;
    const before = syncs();
    env.time.advance(100);
    while (log.failure === null) await new Promise(setImmediate);
    expect(syncs()).toBe(before + 1);
    env.fs.fault = () => {};
    await expect(log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "offline" });
    env.time.advance(1000);
    await engine.close();
    const logSyncs = env.fs.changes.filter((change) => change.kind === "sync").length;
    expect(syncs()).toBeGreaterThanOrEqual(logSyncs);
    expect(env.fs.paths()).not.toContain("/data/.tarpan-clean");
  });

  it("can be opened again after it went offline", async () => {
    const { env, engine, log } = await start();
    await fill(log, 3);
    failOn(env, "write", "EIO");
    await expect(log.append(batchOf(3), 0)).rejects.toMatchObject({ kind: "offline" });
    env.fs.fault = () => {};
    const again = await engine.open(ID, OPTIONS);
    expect(await basesOf(again)).toEqual([0, 1, 2]);
    expect(await again.append(batchOf(3), 0)).toBe(3);
  });

  it("fails only the read that met the error", async () => {
    const { env, log } = await start();
    await fill(log, 5);
    await log.close();
    const again = await restart(env);
    failOn(env, "read", "EIO");
    const told = () => again.lines.filter((line) => line.includes("t-0: cannot read at 0")).length;
    for (const expected of [1, 1]) {
      await expect(again.log.read(0, 100)).rejects.toMatchObject({ kind: "offline" });
      expect(told()).toBe(expected);
    }
    env.time.advance(READ_FAILURE_REMINDER_MS);
    await expect(again.log.read(0, 100)).rejects.toMatchObject({ kind: "offline" });
    expect(told()).toBe(2);
    env.fs.fault = () => {};
    expect(again.log.failure).toBeNull();
    expect(await basesOf(again.log)).toEqual([0, 1, 2, 3, 4]);
  });

  it("refuses appends that need a failed read, and goes on", async () => {
    const { env, log } = await start();
    await fill(log, 5);
    await log.close();
    const again = await restart(env);
    failOn(env, "read", "EIO");
    const refused = [again.log.append(batchOf(5), 0), again.log.append(batchOf(6), 0)];
    for (const each of await Promise.allSettled(refused))
      expect(each).toMatchObject({ status: "rejected", reason: { kind: "offline" } });
    expect(again.lines).toEqual([expect.stringContaining("log t-0: cannot read its end: ")]);
    env.fs.fault = () => {};
    expect(again.log).toMatchObject({ failure: null, nextOffset: 5 });
    expect(await again.log.append(batchOf(5), 0)).toBe(5);
    expect(await basesOf(again.log)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("syncs once per interval when configured to", async () => {
    const { env, log } = await start({ mode: "interval", intervalMs: 100 });
    await fill(log, 2);
    const before = env.fs.changes.filter((change) => change.kind === "sync").length;
    env.time.advance(99);
    await new Promise(setImmediate);
    expect(env.fs.changes.filter((change) => change.kind === "sync").length).toBe(before);
    env.time.advance(1);
    await new Promise(setImmediate);
    expect(env.fs.changes.filter((change) => change.kind === "sync").length).toBe(before + 1);
    const lost = testEnv({ fs: env.fs.crashedAt(env.fs.changes.length, { kind: "power" }) });
    expect((await restart(lost)).log.endOffset).toBe(2);
  });
});
