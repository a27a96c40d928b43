import { describe, expect, it } from "vitest";
import type { FollowerLog, LeaderLog } from "../../../src/log/replication.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import { led, stored } from "./stored.ts";
import { ID, STREAM, type World } from "./world.ts";

describe("a follower log", () => {
  async function followed(count: number): Promise<{
    world: World;
    log: LeaderLog;
    follower: FollowerLog;
  }> {
    const { world, log } = await stored(count);
    const follower = await world.run(world.engine().replication.follow(ID, OPTIONS));
    return { world, log, follower };
  }

  it("has committed batches, cannot be written, and finds more on refresh", async () => {
    const { world, log, follower } = await followed(5);
    expect((await world.run(readAll(follower))).map(baseOffsetOf)).toEqual([0, 1, 2, 3, 4]);
    expect("append" in follower).toBe(false);
    await world.pass(30_000);
    let advanced = 0;
    follower.configure({ onAdvance: () => advanced++ });
    await world.run(log.append(batchOf(9), 0));
    follower.refresh();
    await world.pass(15);
    expect(follower.endOffset).toBe(6);
    expect(advanced).toBeGreaterThan(0);
  });

  it("does not poll when nobody has read for a while and nobody listens any more", async () => {
    const { world, log, follower } = await followed(5);
    follower.configure({ onAdvance: () => {} });
    await world.pass(30_000);
    await world.run(log.append(batchOf(5), 0));
    await world.pass(2_000);
    expect(follower.endOffset).toBe(6);
    follower.configure({ onAdvance: undefined });
    await world.pass(2_000);
    await world.run(log.append(batchOf(6), 0));
    await world.pass(30_000);
    expect(follower.endOffset).toBe(6);
  });

  it("polls again when the replica it asked lacks what refresh told of", async () => {
    const { world, log, follower } = await followed(5);
    await world.pass(30_000);
    world.model.lag = () => 1;
    await world.run(log.append(batchOf(9), 0));
    follower.refresh();
    await world.pass(8);
    expect(follower.endOffset).toBe(5);
    world.model.lag = () => 0;
    await world.pass(60);
    expect(follower.endOffset).toBe(6);
  });

  it("asks the Raft leader for messages known to exist while its replica lags", async () => {
    const { world, log, follower } = await followed(5);
    await world.pass(30_000);
    world.model.lag = () => 2;
    for (const seed of [9, 10]) await world.run(log.append(batchOf(seed), 0));
    follower.refresh();
    await world.pass(2_000);
    expect(follower.endOffset).toBe(5);
    follower.refresh(log.endOffset);
    await world.pass(500);
    expect(follower.endOffset).toBe(7);
    expect((await world.run(readAll(follower))).map(baseOffsetOf)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("follows across trims past its end, and across take-overs", async () => {
    const { world, log, follower } = await followed(5);
    // So that it does not poll meanwhile.
    const hidden = world.model.shown;
    world.model.shown = () => null;
    for (let i = 0; i < 20; i++) await world.run(log.append(batchOf(20 + i), 0));
    await world.run(log.deleteBefore(15));
    world.model.shown = hidden;
    follower.refresh();
    await world.pass(500);
    expect(follower).toMatchObject({ startOffset: 15, endOffset: 25, failure: null });
    const successor = await led(world);
    await world.run(successor.append(batchOf(50), 1));
    follower.refresh();
    await world.pass(500);
    expect(follower.endOffset).toBe(26);
    const read = await world.run(readAll(follower));
    expect(read.map(baseOffsetOf)).toEqual([15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    expect(world.lines).toEqual([]);
  });

  it("stops polling when no one reads or listens", async () => {
    const { world, follower } = await followed(5);
    await world.pass(30_000);
    const before = world.model.directReads;
    await world.pass(30_000);
    expect(world.model.directReads).toBe(before);
    await world.run(follower.close());
    expect(world.model.stream(STREAM).lastSequence).toBe(6);
  });
});
