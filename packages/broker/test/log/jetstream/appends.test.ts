// Appends whose outcome is unknown, one case at a time.
import { decodeBatch, stampBatch } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import type { LeaderLog } from "../../../src/log/replication.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "../batches.ts";
import type { Fate } from "./model-jetstream.ts";
import { ID, World } from "./world.ts";

async function opened(latencyMs = 2): Promise<{ world: World; log: LeaderLog }> {
  const world = new World({ latencyMs });
  const engine = world.engine();
  await world.run(engine.replication.provision(ID, OPTIONS));
  return { world, log: await world.run(engine.replication.lead(ID, OPTIONS)) };
}

/** The next publishes end with these faults, later ones succeed. */
function next(world: World, ...fates: Fate[]): void {
  world.model.fateOf = () => fates.shift() ?? "fine";
}

/** The ids of batches are in their timestamps. */
const idOf = (batch: Uint8Array) => decodeBatch(batch).header.maxTimestamp - 1000;

const LARGE = { valueBytes: 200 << 10 };

const successorOf = (world: World) =>
  world.engine().replication.lead(ID, { ...OPTIONS, leaderEpoch: 6 });

/** The stream's messages without markers. */
const stored = ({ stream }: World) =>
  stream.messages.filter(({ payload }) => payload.length >= 61).length;

describe("an append", () => {
  it("shares a message with all others that came while one was in flight", async () => {
    const { world, log } = await opened(20);
    const appends = Array.from({ length: 100 }, (_, i) => log.append(batchOf(i), 0));
    const begunMs = world.time.monotonicMs();
    await world.run(Promise.all(appends));
    expect(world.time.monotonicMs() - begunMs).toBeLessThan(200);
    expect(log.endOffset).toBe(100);
    expect(stored(world)).toBe(2);
  });

  it("shares a message only up to its limit, and is sent alone when it is larger", async () => {
    const { world, log } = await opened();
    const sizes = [1, 400, 400, 400, 1400, 400, 400];
    const batches = sizes.map((kib, i) => batchOf(i, { valueBytes: kib << 10 }));
    await world.run(Promise.all(batches.map((batch) => log.append(batch, 0))));
    const [, ...messages] = world.stream.messages;
    expect(messages.map(({ payload }) => payload.length >> 10)).toEqual([1, 800, 400, 1400, 800]);
    world.model.maxPayloadBytes = 300 << 10;
    await world.run(Promise.all([8, 9, 10].map((id) => log.append(batchOf(id, LARGE), 0))));
    expect(stored(world)).toBe(8);
    const read = await world.run(readAll(await world.run(successorOf(world))));
    expect(read.map(idOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10]);
  });

  it("keeps its offset when messages are lost on the network", async () => {
    const { world, log } = await opened();
    next(world, "lost", "fine", "lost", "fine");
    const appends = Array.from({ length: 6 }, (_, i) => log.append(batchOf(i, { count: 2 }), 0));
    expect(await world.run(Promise.all(appends))).toEqual([0, 2, 4, 6, 8, 10]);
    const batches = await world.run(readAll(log));
    expect(batches.map(baseOffsetOf)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(stored(world)).toBe(2);
  });

  it("that was stored but not acknowledged is found, even if its id is forgotten", async () => {
    const { world, log } = await opened();
    next(world, "acknowledgement lost");
    const append = log.append(batchOf(1), 0);
    await world.pass(100);
    expect(log.endOffset).toBe(0);
    // A whole cluster that was killed answers 10071 here, not "duplicate".
    world.stream.ids.clear();
    expect(await world.run(append)).toBe(0);
    expect(stored(world)).toBe(1);
  });

  it("waits for the end of an election, and is stored soon after it", async () => {
    const { world, log } = await opened();
    world.model.elect(world.stream, 8000, 0);
    const endsMs = world.time.monotonicMs() + 8000;
    const appends = [log.append(batchOf(1), 0), log.append(batchOf(2), 0)];
    expect(await world.run(Promise.all(appends))).toEqual([0, 1]);
    expect(world.time.monotonicMs()).toBeGreaterThanOrEqual(endsMs);
    expect(world.time.monotonicMs() - endsMs).toBeLessThan(300);
  });

  it.each(["dropped", "kept"])("whose proposal an election %s is in the log once", async (fate) => {
    const { world, log } = await opened();
    next(world, "hangs uncommitted", "hangs uncommitted");
    const appends = [1, 2, 3].map((id) => log.append(batchOf(id), 0));
    await world.pass(50);
    expect(world.stream.proposals).toHaveLength(1);
    world.model.elect(world.stream, 4000, fate === "kept" ? 1 : 0);
    expect(await world.run(Promise.all(appends))).toEqual([0, 1, 2]);
    expect(stored(world)).toBe(2);
  });

  it("that is too large for a message takes no offset", async () => {
    const { world, log } = await opened();
    world.model.maxPayloadBytes = 1000;
    const large = batchOf(1, { valueBytes: 2000 });
    await expect(log.append(large, 0)).rejects.toMatchObject({ kind: "too-large" });
    expect(log.nextOffset).toBe(0);
    expect(await world.run(log.append(batchOf(2), 0))).toBe(0);
  });

  it("acknowledged at another sequence fails the log", async () => {
    const { world, log } = await opened();
    const { propose } = world.model;
    world.model.propose = (message, fate, answer) =>
      propose.call(world.model, message, fate, (outcome) =>
        answer(outcome.kind === "stored" ? { ...outcome, sequence: 77 } : outcome),
      );
    await expect(world.run(log.append(batchOf(1), 0))).rejects.toMatchObject({ kind: "offline" });
    expect(log.failure?.message).toMatch(/sequence 77 of .* was acknowledged/);
    await expect(log.append(batchOf(2), 0)).rejects.toMatchObject({ kind: "offline" });
  });

  it("whose outcome stays unknown is pending until the log is closed, in bounded time", async () => {
    const { world, log } = await opened();
    world.model.fateOf = () => "lost";
    const underWay = log.append(batchOf(1), 0);
    const waiting = log.append(batchOf(2), 0);
    for (const append of [underWay, waiting]) append.catch(() => {});
    await world.pass(60_000);
    const begunMs = world.time.monotonicMs();
    await world.run(log.close());
    expect(world.time.monotonicMs() - begunMs).toBeLessThan(2100);
    await expect(underWay).rejects.toMatchObject({ kind: "unknown" });
    await expect(waiting).rejects.toMatchObject({ kind: "closed" });
  });

  it("takes the log offline when the stream stays shorter than acknowledged", async () => {
    const { world, log } = await opened();
    for (let i = 0; i < 4; i++) await world.run(log.append(batchOf(i), 0));
    const { stream } = world;
    stream.messages.splice(-2);
    stream.lastSequence -= 2;
    stream.ids.clear();
    await expect(world.run(log.append(batchOf(9), 0))).rejects.toMatchObject({
      kind: "offline",
      message: expect.stringContaining("data is lost"),
    });
  });
});

describe("a writer that was replaced", () => {
  async function replaced() {
    const { world, log } = await opened();
    await world.run(log.append(batchOf(0), 0));
    const successor = world.engine().replication;
    return { world, log, successor };
  }

  it("is fenced by its next append, of which nothing is read", async () => {
    const { world, log, successor } = await replaced();
    const next = await world.run(successor.lead(ID, { ...OPTIONS, leaderEpoch: 5 }));
    const late = await world.run(
      Promise.allSettled([log.append(batchOf(1), 0), log.append(batchOf(2), 0)]),
    );
    for (const outcome of late)
      expect(outcome).toMatchObject({ status: "rejected", reason: { kind: "fenced" } });
    expect(log.failure).toMatchObject({ kind: "fenced" });
    expect(await world.run(next.append(batchOf(3), 5))).toBe(1);
    const batches = await world.run(readAll(next));
    expect(batches.map(baseOffsetOf)).toEqual([0, 1]);
  });

  /** Publishes a late message. JetStream stores it, because it has the last sequence it expects. */
  function arrives(world: World, messageId: string, batch: Uint8Array): void {
    const { stream, model } = world;
    const expectedLastSequence = stream.lastSequence;
    const [subject] = stream.config.subjects as [string];
    stampBatch(batch, 0, Number(messageId.split(".")[1]), 0);
    const message = { subject, payload: batch, messageId, expectedLastSequence };
    model.propose(message, "fine", () => {});
  }

  it("may have late messages after the marker that JetStream stores, but they are void", async () => {
    const { world, successor } = await replaced();
    const former = world.stream.messages[1]!.messageId.split(".")[0];
    const next = await world.run(successor.lead(ID, { ...OPTIONS, leaderEpoch: 5 }));
    expect(await world.run(next.append(batchOf(1, { count: 2 }), 5))).toBe(1);
    // The successor's batch of two ends at the offset of its predecessor's third batch.
    arrives(world, `${former}.3.4.4`, batchOf(66));
    await world.pass(20);
    expect(world.stream.lastSequence).toBe(5);
    const appends = [next.append(batchOf(7), 5), next.append(batchOf(8), 5)];
    expect(await world.run(Promise.all(appends))).toEqual([3, 4]);
    const again = await world.run(successorOf(world));
    for (const log of [next, again]) {
      const batches = await world.run(readAll(log));
      expect(batches.map(baseOffsetOf)).toEqual([0, 1, 3, 4]);
      expect(batches.map(idOf)).toEqual([0, 1, 7, 8]);
    }
  });

  it("may take the sequence of its successor's message, which is then sent again", async () => {
    const { world, successor } = await replaced();
    const next = await world.run(successor.lead(ID, { ...OPTIONS, leaderEpoch: 5 }));
    arrives(world, "0123456789abcdef.1.2.3", batchOf(66));
    const appends = [7, 8, 9].map((id) => next.append(batchOf(id), 5));
    expect(await world.run(Promise.all(appends))).toEqual([1, 2, 3]);
    const again = await world.run(successorOf(world));
    expect((await world.run(readAll(again))).map(idOf)).toEqual([0, 7, 8, 9]);
    expect(stored(world)).toBe(4);
  });

  it("cannot take over with an older epoch, and writes nothing when it tries", async () => {
    const { world, successor } = await replaced();
    await world.run(successor.lead(ID, { ...OPTIONS, leaderEpoch: 5 }));
    const { lastSequence } = world.stream;
    const other = world.engine().replication;
    await expect(world.run(other.lead(ID, { ...OPTIONS, leaderEpoch: 4 }))).rejects.toMatchObject({
      kind: "fenced",
    });
    expect(world.stream.lastSequence).toBe(lastSequence);
    const same = await world.run(other.lead(ID, { ...OPTIONS, leaderEpoch: 5 }));
    expect(same.leaderEpoch).toBe(5);
  });

  it("is replaced even while it is still writing", async () => {
    const { world, log, successor } = await replaced();
    let isOver = false;
    const writing = (async () => {
      for (let id = 1; !isOver; id++)
        await log.append(batchOf(id), 0).catch(() => {
          isOver = true;
        });
    })();
    const next = await world.run(successor.lead(ID, { ...OPTIONS, leaderEpoch: 1 }));
    await world.run(writing);
    expect(log.failure).toMatchObject({ kind: "fenced" });
    expect(next.endOffset).toBeGreaterThanOrEqual(log.endOffset);
    await world.run(next.append(batchOf(99), 1));
    expect((await world.run(readAll(next))).length).toBe(next.endOffset);
  });
});

describe("a leader that confirms its leadership", () => {
  it("does so by the next message, which takes no offset if there is nothing to append", async () => {
    const { world, log } = await opened();
    await world.run(log.append(batchOf(0), 0));
    await world.run(Promise.all([log.confirm!(), log.confirm!()]));
    expect(log.endOffset).toBe(1);
    const append = log.append(batchOf(1), 0);
    await world.run(Promise.all([append, log.confirm!()]));
    const next = await world.run(successorOf(world));
    expect((await world.run(readAll(next))).map(idOf)).toEqual([0, 1]);
    expect(stored(world)).toBe(2);
  });

  it("asks again while no server answers, and recognizes its own marker", async () => {
    const { world, log } = await opened();
    next(world, "lost", "acknowledgement lost");
    await world.run(log.confirm!());
    expect(await world.run(log.append(batchOf(1), 0))).toBe(0);
  });

  it("finds out that another broker has taken over", async () => {
    const { world, log } = await opened();
    await world.run(successorOf(world));
    const confirmed = log.confirm!();
    await expect(world.run(confirmed)).rejects.toMatchObject({ kind: "fenced" });
    await expect(log.confirm!()).rejects.toMatchObject({ kind: "fenced" });
  });
});
