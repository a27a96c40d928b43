// Opening and reading: damage, gaps, trims, checkpoints.
import { describe, expect, it } from "vitest";
import type { LeaderLog } from "../../../src/log/replication.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import { led, stored } from "./stored.ts";
import { ID, World } from "./world.ts";

describe("a cold read", () => {
  it("answers corrupt for a damaged batch only", async () => {
    const { world } = await stored(10);
    const log = await led(world);
    world.stream.messages[5]!.payload[70]! ^= 1;
    const before = await world.run(log.read(0, 1 << 20));
    expect(before.map(baseOffsetOf)).toEqual([0, 1, 2, 3]);
    expect(log.damagedRanges).toBe(0);
    for (let again = 0; again < 2; again++) {
      await expect(world.run(log.read(4, 1 << 20))).rejects.toMatchObject({
        kind: "corrupt",
        resumeOffset: 5,
      });
    }
    const after = await world.run(log.read(5, 1 << 20));
    expect(after.map(baseOffsetOf)).toEqual([5, 6, 7, 8, 9]);
    const reported = world.lines.filter((line) => line.includes("DATA LOSS in log orders-3"));
    expect(reported).toHaveLength(1);
    expect(log.damagedRanges).toBe(1);
  });

  it("answers corrupt for missing messages, and reads the messages after them", async () => {
    const { world } = await stored(10);
    const log = await led(world);
    world.stream.messages.splice(4, 3);
    expect((await world.run(log.read(0, 1 << 20))).map(baseOffsetOf)).toEqual([0, 1, 2]);
    await expect(world.run(log.read(4, 1 << 20))).rejects.toMatchObject({
      kind: "corrupt",
      resumeOffset: 6,
    });
    expect((await world.run(log.read(6, 1 << 20))).map(baseOffsetOf)).toEqual([6, 7, 8, 9]);
    const again = await led(world);
    expect(again.endOffset).toBe(10);
    expect(await world.run(again.append(batchOf(99), 1))).toBe(10);
  });

  it("asks the Raft leader for messages that a replica lacks", async () => {
    const { world } = await stored(10);
    const log = await led(world);
    world.model.lag = () => 100;
    expect((await world.run(readAll(log))).map(baseOffsetOf)).toEqual([...Array(10).keys()]);
    world.model.lag = () => 0;
    world.model.shown = (message) => (message.sequence === 5 ? null : message);
    expect((await world.run(readAll(log, 10_000))).length).toBe(10);
    expect(world.lines).toEqual([]);
  });

  it("soon asks another replica when one does not answer", async () => {
    const { world } = await stored(600);
    // Every second request goes to the silent replica.
    world.model.isSilent = () => world.model.directReads % 2 === 1;
    const begunMs = world.time.monotonicMs();
    const log = await led(world);
    expect((await world.run(readAll(log))).length).toBe(600);
    expect(world.time.monotonicMs() - begunMs).toBeLessThan(1500);
    world.model.isSilent = () => true;
    expect((await world.run(log.read(0, 1))).length).toBe(1);
  });

  it("needs few requests when it begins where the last read ended", async () => {
    const { world } = await stored(200);
    const log = await led(world);
    const before = world.model.directReads;
    const size = batchOf(0).length;
    await world.run(readAll(log, 10 * size));
    expect(world.model.directReads - before).toBeLessThan(40);
  });
});

describe("a message of several batches", () => {
  const COUNT = 6;
  const SIZE = batchOf(10, { count: 2 }).length;

  /**
   * Batches 10 to 20, of two records each, are in one message, between a message before and after.
   */
  async function grouped(): Promise<{ world: World; log: LeaderLog; payload: Uint8Array }> {
    const { world, log } = await stored(10);
    const append = (i: number) => log.append(batchOf(i, { count: 2 }), 0);
    await world.run(Promise.all(Array.from({ length: COUNT + 1 }, (_, i) => append(10 + i))));
    await world.run(append(20));
    const { payload } = world.stream.messages.at(-2)!;
    expect(payload.length).toBe(COUNT * SIZE);
    return { world, log: await led(world), payload };
  }

  it("is read from any of them, for any number of bytes", async () => {
    const { world, log } = await grouped();
    const all = [...Array(10).keys(), 10, 12, 14, 16, 18, 20, 22, 24];
    for (const maxBytes of [1, SIZE, 2.5 * SIZE, 1 << 20])
      expect((await world.run(readAll(log, maxBytes))).map(baseOffsetOf)).toEqual(all);
    for (const offset of [15, 22, 18, 19, 12])
      expect((await world.run(log.read(offset, 1))).map(baseOffsetOf)).toEqual([offset & ~1]);
    expect((await world.run(log.read(12, 1 << 20, 16))).map(baseOffsetOf)).toEqual([12, 14]);
  });

  it("is found by the timestamp of any of them", async () => {
    const { world, log } = await grouped();
    expect(await world.run(log.offsetAt(1013))).toBe(16);
    expect(await world.run(log.offsetAt(1016))).toBe(22);
    expect(log.maxTimestamp).toBe(1020);
  });

  it("may hold the start of the log in its middle", async () => {
    const { world, log } = await grouped();
    await world.run(log.deleteBefore(17));
    for (const one of [log, await led(world)]) {
      expect((await world.run(readAll(one))).map(baseOffsetOf)).toEqual([16, 18, 20, 22, 24]);
      await expect(world.run(one.read(16, 1))).rejects.toMatchObject({ kind: "out-of-range" });
      expect(await world.run(one.offsetAt(0))).toBe(17);
    }
  });

  it("loses only the batch that was damaged", async () => {
    const { world, log, payload } = await grouped();
    payload[2 * SIZE + 70]! ^= 1;
    const before = await world.run(log.read(12, 1 << 20));
    expect(before.map(baseOffsetOf)).toEqual([12, 14]);
    const reading = world.run(log.read(17, 1 << 20));
    await expect(reading).rejects.toMatchObject({ kind: "corrupt", resumeOffset: 18 });
    const after = await world.run(log.read(18, 1 << 20));
    expect(after.map(baseOffsetOf)).toEqual([18, 20, 22, 24]);
  });

  it.each([
    ["size", 8],
    ["offset", 7],
    ["number of records", 24],
  ])("loses what comes after a batch whose %s was damaged", async (_, at) => {
    const { world, log, payload } = await grouped();
    payload[2 * SIZE + at]! ^= 0x40;
    expect((await world.run(log.read(12, 1 << 20))).map(baseOffsetOf)).toEqual([12, 14]);
    const reading = world.run(log.read(16, 1 << 20));
    await expect(reading).rejects.toMatchObject({ kind: "corrupt", resumeOffset: 24 });
    expect((await world.run(log.read(24, 1 << 20))).map(baseOffsetOf)).toEqual([24]);
    expect((await led(world)).endOffset).toBe(26);
  });

  it("is kept in a follower's memory unless it is damaged", async () => {
    const { world, log } = await stored(10);
    const follower = await world.run(world.engine().replication.follow(ID, OPTIONS));
    const append = (i: number) => log.append(batchOf(10 + i, { count: 2 }), 0);
    const arrived = async (offset: number) => {
      follower.refresh();
      await world.pass(500);
      expect(follower.endOffset).toBe(offset);
      return world.model.directReads;
    };
    await world.run(Promise.all([0, 1, 2, 3].map(append)));
    const reads = await arrived(18);
    expect((await world.run(follower.read(14, 1 << 20))).map(baseOffsetOf)).toEqual([14, 16]);
    expect(world.model.directReads).toBe(reads);
    await world.run(Promise.all([4, 5, 6, 7].map(append)));
    world.stream.messages.at(-1)!.payload[SIZE + 70]! ^= 1;
    await arrived(26);
    expect((await world.run(follower.read(14, 1 << 20))).map(baseOffsetOf)).toEqual([
      14, 16, 18, 20,
    ]);
    const reading = world.run(follower.read(22, 1 << 20));
    await expect(reading).rejects.toMatchObject({ kind: "corrupt", resumeOffset: 24 });
    expect((await world.run(follower.read(24, 1 << 20))).map(baseOffsetOf)).toEqual([24]);
    await world.run(follower.close());
  });
});

describe("opening", () => {
  it("reads only messages after the checkpoint", async () => {
    const { world, log } = await stored(600);
    await world.run(log.saveCheckpoint(600, Uint8Array.of(7)));
    await world.run(log.append(batchOf(1000), 0));
    const before = world.model.directReads;
    const again = await led(world);
    expect(world.model.directReads - before).toBe(1);
    expect(again).toMatchObject({ endOffset: 601, maxTimestamp: 2000 });
    expect(again.sizeBytes).toBe(log.sizeBytes);
    const saved = await world.run(again.loadCheckpoint());
    expect(saved).toEqual({ offset: 600, state: Uint8Array.of(7) });
    expect((await world.run(again.read(300, 1))).map(baseOffsetOf)).toEqual([300]);
  });

  it("finds the end even when everything was trimmed", async () => {
    const { world, log } = await stored(10);
    await world.run(log.deleteBefore(10));
    expect(world.stream.messages).toHaveLength(1);
    for (let i = 0; i < 3; i++) {
      const again = await led(world);
      expect(again).toMatchObject({ startOffset: 10, endOffset: 10 });
      expect(await world.run(again.read(10, 100))).toEqual([]);
      await world.run(again.deleteBefore(10));
    }
    const last = await led(world);
    expect(await world.run(last.append(batchOf(1), 0))).toBe(10);
    expect(world.lines).toEqual([]);
  });

  it("starts at the saved start when the purge did not happen", async () => {
    const { world, log } = await stored(10);
    const { messages } = world.stream;
    await world.run(log.deleteBefore(6));
    world.stream.messages = messages;
    world.stream.firstSequence = 1;
    const again = await led(world);
    expect(again).toMatchObject({ startOffset: 6, endOffset: 10 });
    await expect(world.run(again.read(5, 1))).rejects.toMatchObject({ kind: "out-of-range" });
    expect((await world.run(readAll(again))).map(baseOffsetOf)).toEqual([6, 7, 8, 9]);
  });

  it("refuses a stream that does not exist, and one that lost acknowledged messages", async () => {
    const world = new World();
    const engine = world.engine();
    const leading = () => world.run(engine.replication.lead(ID, OPTIONS));
    await expect(leading()).rejects.toMatchObject({ kind: "missing" });
    await world.run(engine.replication.provision(ID, OPTIONS));
    const log = await leading();
    for (const id of [1, 2, 3]) await world.run(log.append(batchOf(id), 0));
    await world.run(log.close());
    world.stream.messages.pop();
    world.stream.lastSequence -= 1;
    await expect(leading()).rejects.toMatchObject({ kind: "offline" });
    expect(world.stream.lastSequence).toBe(3);
  });

  it("refuses a stream that ends before its checkpoint", async () => {
    const { world, log } = await stored(5);
    await world.run(log.saveCheckpoint(5, new Uint8Array(0)));
    world.stream.messages = [];
    world.stream.lastSequence = 0;
    await expect(led(world)).rejects.toMatchObject({ kind: "offline" });
  });

  it("waits for the end of an election", async () => {
    const { world } = await stored(5);
    world.model.elect(world.stream, 7000, 0);
    expect((await led(world)).endOffset).toBe(5);
  });
});

describe("a checkpoint", () => {
  const stateOf = (byte: number, sizeBytes: number) => new Uint8Array(sizeBytes).fill(byte);
  const messagesOf = (world: World) => world.model.stream("tarpan-checkpoints").messages;
  const kept = (world: World) => messagesOf(world).filter((one) => /^tarpan.c/.test(one.subject));

  it("that is too large for one message is saved in several, replacing older ones", async () => {
    const { world, log } = await stored(2);
    world.model.maxPayloadBytes = 5000;
    for (const byte of [1, 2]) {
      await world.run(log.saveCheckpoint(2, stateOf(byte, 20_000)));
      expect(kept(world)).toHaveLength(1 + 5);
    }
    const again = await led(world);
    const saved = await world.run(again.loadCheckpoint());
    expect(saved).toEqual({ offset: 2, state: stateOf(2, 20_000) });
    await world.run(again.saveCheckpoint(2, stateOf(3, 10)));
    expect(kept(world)).toHaveLength(1);
    expect(await world.run(again.loadCheckpoint())).toEqual({ offset: 2, state: stateOf(3, 10) });
  });

  it("that was interrupted leaves the previous one valid", async () => {
    const { world, log } = await stored(2);
    world.model.maxPayloadBytes = 5000;
    await world.run(log.saveCheckpoint(1, stateOf(1, 20_000)));
    const whole = log.saveCheckpoint(2, stateOf(2, 20_000));
    while (kept(world).length < 1 + 5 + 3) await world.pass(1);
    const stream = world.model.stream("tarpan-checkpoints");
    const cut = [...stream.messages];
    await world.run(whole);
    stream.messages = cut;
    const again = await led(world);
    const before = await world.run(again.loadCheckpoint());
    expect(before).toEqual({ offset: 1, state: stateOf(1, 20_000) });
    // The next checkpoint removes its leftover parts.
    await world.run(again.saveCheckpoint(2, stateOf(3, 20_000)));
    expect(kept(world)).toHaveLength(1 + 5);
  });

  it("with a missing part is ignored and reported", async () => {
    const { world, log } = await stored(2);
    world.model.maxPayloadBytes = 5000;
    await world.run(log.saveCheckpoint(2, stateOf(1, 20_000)));
    messagesOf(world).splice(messagesOf(world).indexOf(kept(world)[2]!), 1);
    expect(await world.run(log.loadCheckpoint())).toBeNull();
    expect(world.lines.join()).toContain("parts of its checkpoint are missing");
  });

  it("of a former leader does not replace its successor's", async () => {
    const { world, log } = await stored(5);
    const successor = await led(world);
    await world.run(successor.append(batchOf(9), 1));
    await world.run(successor.saveCheckpoint(6, Uint8Array.of(2)));
    await world.run(log.saveCheckpoint(5, Uint8Array.of(1)));
    expect(await world.run(successor.loadCheckpoint())).toMatchObject({ offset: 6 });
  });
});
