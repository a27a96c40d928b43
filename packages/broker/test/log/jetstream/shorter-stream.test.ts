// A stream that ends before what was acknowledged: nats-server 2.15 cuts the store of a restarted
// replica back, and replays its Raft log. Only a stream that stays so has lost data.
import { describe, expect, it } from "vitest";
import { RAFT_LEADER_TIMEOUT_MS, SHORTER_CONFIRMED_MS } from "../../../src/log/jetstream/limits.ts";
import type { ReadableLog } from "../../../src/log/log.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import type { ModelMessage } from "./model-jetstream.ts";
import { stored } from "./stored.ts";
import { ID, type World } from "./world.ts";

const COUNT = 8;

/** Takes the last messages away from all replicas. */
function cut(world: World, count: number): ModelMessage[] {
  const { stream } = world;
  stream.lastSequence -= count;
  stream.ids.clear();
  return stream.messages.splice(-count);
}

/** Puts them back, one after the other. */
function replay(world: World, messages: readonly ModelMessage[], everyMs: number): void {
  for (const [i, message] of messages.entries())
    world.time.after((i + 1) * everyMs, () => {
      world.stream.messages.push(message);
      world.stream.lastSequence = message.sequence;
    });
}

const waits = ({ lines }: World) => lines.filter((line) => line.includes("waiting for the NATS"));

/** A log that was led here, and is not any more: this process knows where its stream ended. */
async function closed() {
  const { world, log, engine } = await stored(COUNT);
  await world.run(log.close());
  const lead = (): Promise<ReadableLog> =>
    engine.replication.lead(ID, { ...OPTIONS, leaderEpoch: 1 });
  const follow = (): Promise<ReadableLog> => engine.replication.follow(ID, OPTIONS);
  return { world, lead, follow };
}

describe("a stream that is shorter than it was", () => {
  it("is waited for while its Raft log is replayed, however long each message takes", async () => {
    for (const way of ["lead", "follow"] as const) {
      const opened = await closed();
      const { world } = opened;
      replay(world, cut(world, 3), RAFT_LEADER_TIMEOUT_MS / 3 - 100);
      const log = await world.run(opened[way]());
      expect((await world.run(readAll(log))).map(baseOffsetOf)).toEqual([...Array(COUNT).keys()]);
      expect(waits(world)).toHaveLength(1);
      expect(world.lines.join()).toMatch(/ends at message 6, before message 9, .* for 20 s/);
      expect(world.lines.at(-1)).toMatch(/has message 9 again/);
    }
  });

  it("is not believed to be, as long as its Raft leader has the message", async () => {
    const { world, lead } = await closed();
    world.model.described = ({ lastSequence }) => lastSequence - 3;
    world.time.after(SHORTER_CONFIRMED_MS + 5000, () => {
      world.model.described = ({ lastSequence }) => lastSequence;
    });
    const log = await world.run(lead());
    expect(log.endOffset).toBe(COUNT);
    expect(waits(world)).toHaveLength(1);
  });

  it("has lost data when its leader says the same for a while, and not before", async () => {
    for (const way of ["lead", "follow"] as const) {
      const opened = await closed();
      const { world } = opened;
      cut(world, 1);
      const begunMs = world.time.monotonicMs();
      await expect(world.run(opened[way]())).rejects.toMatchObject({
        kind: "offline",
        message: expect.stringContaining("data is lost"),
      });
      expect(world.time.monotonicMs() - begunMs).toBeGreaterThanOrEqual(SHORTER_CONFIRMED_MS);
      expect(waits(world)).toHaveLength(1);
    }
  });

  it("has lost nothing known while no leader answers", async () => {
    const { world, lead } = await closed();
    const lost = cut(world, 1);
    world.time.after(SHORTER_CONFIRMED_MS - 1000, () => {
      world.model.elect(world.stream, 5000, 0);
      replay(world, lost, 6000);
    });
    expect((await world.run(lead())).endOffset).toBe(COUNT);
  });

  it("lets an append wait, which is stored once", async () => {
    const { world, log } = await stored(COUNT);
    replay(world, cut(world, 4), SHORTER_CONFIRMED_MS - 1000);
    expect(await world.run(log.append(batchOf(99), 0))).toBe(COUNT);
    expect((await world.run(readAll(log))).length).toBe(COUNT + 1);
    expect(waits(world)).toHaveLength(1);
  });

  it("fails the log when an append finds that it stays so", async () => {
    const { world, log } = await stored(COUNT);
    cut(world, 2);
    const begunMs = world.time.monotonicMs();
    await expect(world.run(log.append(batchOf(99), 0))).rejects.toMatchObject({
      kind: "offline",
      message: expect.stringContaining("data is lost"),
    });
    expect(world.time.monotonicMs() - begunMs).toBeGreaterThanOrEqual(SHORTER_CONFIRMED_MS);
  });
});
