// Opening and reading: damage, gaps, trims, checkpoints, followers.
import { describe, expect, it } from "vitest";
import type { FollowedLog, LedLog } from "../../../src/log/log.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import { ID, STREAM, World } from "./world.ts";

/** A log of `count` single-record batches, opened again by another broker: nothing is in memory. */
async function stored(count: number): Promise<{ world: World; log: LedLog }> {
  const world = new World();
  const first = world.engine();
  await world.run(first.replication.provision(ID, OPTIONS));
  const log = await world.run(first.replication.lead(ID, OPTIONS));
  await world.run(Promise.all(Array.from({ length: count }, (_, i) => log.append(batchOf(i), 0))));
  return { world, log };
}

async function led(world: World): Promise<LedLog> {
  return world.run(world.engine().replication.lead(ID, OPTIONS));
}

describe("a cold read", () => {
  it("answers corrupt for a damaged batch only", async () => {
    const { world } = await stored(10);
    const log = await led(world);
    world.stream.messages[5]!.payload[70]! ^= 1;
    const before = await world.run(log.read(0, 1 << 20));
    expect(before.map(baseOffsetOf)).toEqual([0, 1, 2, 3]);
    await expect(world.run(log.read(4, 1 << 20))).rejects.toMatchObject({
      kind: "corrupt",
      resumeOffset: 5,
    });
    const after = await world.run(log.read(5, 1 << 20));
    expect(after.map(baseOffsetOf)).toEqual([5, 6, 7, 8, 9]);
    expect(world.lines.join()).toContain("DATA LOSS in log orders-3");
  });

  it("answers corrupt for messages that are gone, and goes on behind them", async () => {
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

  it("asks the Raft leader for what a replica lacks", async () => {
    const { world } = await stored(10);
    const log = await led(world);
    world.model.lag = () => 100;
    expect((await world.run(readAll(log))).map(baseOffsetOf)).toEqual([...Array(10).keys()]);
    world.model.lag = () => 0;
    world.model.shown = (message) => (message.sequence === 5 ? null : message);
    expect((await world.run(readAll(log, 10_000))).length).toBe(10);
    expect(world.lines).toEqual([]);
  });

  it("takes few requests for a reader that goes on where it ended", async () => {
    const { world } = await stored(200);
    const log = await led(world);
    const before = world.model.directReads;
    const size = batchOf(0).length;
    await world.run(readAll(log, 10 * size));
    expect(world.model.directReads - before).toBeLessThan(40);
  });
});

describe("opening", () => {
  it("reads no more than what came after the checkpoint", async () => {
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

  it("finds the end also when everything was trimmed", async () => {
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

  it("starts where it was trimmed to when the purge did not come about", async () => {
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

  it("refuses a stream that is not there, and one that lost what was acknowledged", async () => {
    const world = new World();
    const engine = world.engine();
    const leading = () => world.run(engine.replication.lead(ID, OPTIONS));
    await expect(leading()).rejects.toMatchObject({ kind: "missing" });
    await world.run(engine.replication.provision(ID, OPTIONS));
    const log = await leading();
    await world.run(Promise.all([1, 2, 3].map((id) => log.append(batchOf(id), 0))));
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

  it("waits out an election", async () => {
    const { world } = await stored(5);
    world.model.elect(world.stream, 7000, 0);
    expect((await led(world)).endOffset).toBe(5);
  });
});

describe("a checkpoint", () => {
  it("that no message can hold is not saved, and said so", async () => {
    const { world, log } = await stored(2);
    world.model.maxPayloadBytes = 5000;
    await world.run(log.saveCheckpoint(2, new Uint8Array(5000)));
    expect(world.lines.join()).toMatch(/checkpoint .* over max_payload/);
    expect(await world.run(log.loadCheckpoint())).toBeNull();
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

describe("a followed log", () => {
  async function followed(count: number): Promise<{
    world: World;
    log: LedLog;
    follower: FollowedLog;
  }> {
    const { world, log } = await stored(count);
    const follower = await world.run(world.engine().replication.follow(ID, OPTIONS));
    return { world, log, follower };
  }

  it("has what was committed, refuses to be written, and hears of more when poked", async () => {
    const { world, log, follower } = await followed(5);
    expect((await world.run(readAll(follower))).map(baseOffsetOf)).toEqual([0, 1, 2, 3, 4]);
    await expect(follower.append(batchOf(1), 0)).rejects.toMatchObject({ kind: "fenced" });
    await world.pass(30_000);
    let advanced = 0;
    follower.configure({ onAdvance: () => advanced++ });
    await world.run(log.append(batchOf(9), 0));
    follower.poke();
    await world.pass(15);
    expect(follower.endOffset).toBe(6);
    expect(advanced).toBeGreaterThan(0);
  });

  it("looks again when the replica it asked is not as far as the one that poked", async () => {
    const { world, log, follower } = await followed(5);
    await world.pass(30_000);
    world.model.lag = () => 1;
    await world.run(log.append(batchOf(9), 0));
    follower.poke();
    await world.pass(8);
    expect(follower.endOffset).toBe(5);
    world.model.lag = () => 0;
    await world.pass(60);
    expect(follower.endOffset).toBe(6);
  });

  it("follows through trims past what it has seen, and through take-overs", async () => {
    const { world, log, follower } = await followed(5);
    // So that it does not look meanwhile.
    const hidden = world.model.shown;
    world.model.shown = () => null;
    for (let i = 0; i < 20; i++) await world.run(log.append(batchOf(20 + i), 0));
    await world.run(log.deleteBefore(15));
    world.model.shown = hidden;
    follower.poke();
    await world.pass(500);
    expect(follower).toMatchObject({ startOffset: 15, endOffset: 25, failure: null });
    const successor = await led(world);
    await world.run(successor.append(batchOf(50), 1));
    follower.poke();
    await world.pass(500);
    expect(follower.endOffset).toBe(26);
    const read = await world.run(readAll(follower));
    expect(read.map(baseOffsetOf)).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    expect(world.lines).toEqual([]);
  });

  it("stops asking when nobody reads or listens", async () => {
    const { world, follower } = await followed(5);
    await world.pass(30_000);
    const before = world.model.directReads;
    await world.pass(30_000);
    expect(world.model.directReads).toBe(before);
    await world.run(follower.close());
    expect(world.model.stream(STREAM).lastSequence).toBe(6);
  });
});
