// Compaction of a stream: what stays, what is purged, who reads what meanwhile, and a crash of the
// leader at every request of a run.
import { describe, expect, it } from "vitest";
import type { JetStreamEngine } from "../../../src/log/jetstream/engine.ts";
import type { JetStreamTransport } from "../../../src/log/jetstream/transport.ts";
import type { ReadableLog } from "../../../src/log/log.ts";
import type { LeaderLog } from "../../../src/log/replication.ts";
import { SeededRandom } from "../../env/seeded-random.ts";
import { baseOffsetOf, nextOffsetOf, OPTIONS, readAll, segmentsOf } from "../batches.ts";
import { batchWith, compact, type Pair, recordsOf } from "../compaction.ts";
import { CompactionModel } from "../compaction-model.ts";
import { ID, World } from "./world.ts";

/** Each message is a block of the index, and the last one is in place of the active segment. */
const ONE_EACH = { ...OPTIONS, segmentBytes: 1 };

const v = (key: string | null, value: string | null = "v") => ({ key, value });
const last = [v("last")];

interface Compacted {
  readonly world: World;
  readonly engine: JetStreamEngine;
  readonly log: LeaderLog;
}

async function logOf(...batches: (readonly Pair[])[]): Promise<Compacted> {
  const world = new World();
  const engine = world.engine();
  await world.run(engine.replication.provision(ID, ONE_EACH));
  const log = await lead(world, engine);
  for (const batch of batches) await world.run(log.append(batchWith(batch), 0));
  return { world, engine, log };
}

function lead(world: World, engine = world.engine()): Promise<LeaderLog> {
  return world.run(engine.replication.lead(ID, ONE_EACH));
}

async function left(world: World, log: ReadableLog): Promise<string[]> {
  const records = await world.run(recordsOf(log));
  return records.map(({ offset, key, value }) => `${offset} ${key}=${value}`);
}

describe("compaction of a stream", () => {
  it("keeps the last record of each key at its offset, for every broker", async () => {
    const { world, log } = await logOf([v("a", "1"), v("b")], [v("a", "2"), v("c")], last);
    const result = await world.run(compact(log));
    expect(result).toMatchObject({ keys: 3, isPartial: false });
    const expected = ["1 b=v", "2 a=2", "3 c=v", "4 last=v"];
    expect(await left(world, log)).toEqual(expected);
    const follower = await world.run(world.engine().replication.follow(ID, ONE_EACH));
    expect(await left(world, follower)).toEqual(expected);
    const next = await lead(world);
    expect(await left(world, next)).toEqual(expected);
    expect(await world.run(next.append(batchWith(last), 1))).toBe(5);
    expect(world.lines).toEqual([]);
  });

  it("purges the messages that it has copied, and no others", async () => {
    const { world, log } = await logOf([v("a")], [v("a")], [v("b")], last);
    const sizeBytes = log.sizeBytes;
    const { freedBytes } = await world.run(compact(log));
    expect(freedBytes).toBeGreaterThan(0);
    expect(log.sizeBytes).toBe(sizeBytes - freedBytes);
    const there = world.stream.messages.map(({ messageId }) => messageId.split(".").slice(1, -1));
    expect(there).toEqual([
      ["3", "4"],
      ["copy", "0", "3"],
    ]);
  });

  it("covers the offsets that it removes", async () => {
    const { world, log } = await logOf([v("a")], [v("a")], [v("b")], [v("a")], [v("a")], last);
    await world.run(compact(log));
    const batches = await world.run(readAll(log));
    expect(batches.map(baseOffsetOf)).toEqual([0, 2, 3, 4, 5]);
    expect(batches.map(nextOffsetOf)).toEqual([2, 3, 4, 5, 6]);
    // A reader must not be told that there is nothing.
    expect(await world.run(log.read(0, 1))).toHaveLength(2);
    expect(await world.run(log.offsetAt(1000))).toBe(2);
    expect((await segmentsOf(log)).map(({ endOffset }) => endOffset)).toEqual([5, 6]);
  });

  it("compacts again what it has compacted, with what came since", async () => {
    const { world, log } = await logOf([v("a")], [v("b")], last);
    await world.run(compact(log));
    expect(await world.run(log.compactor!.measure(0, 0))).toBeNull();
    await world.run(log.append(batchWith([v("b", "2")]), 0));
    await world.run(log.append(batchWith(last), 0));
    expect(await world.run(log.compactor!.measure(0, 0))).toMatchObject({ oldestMs: 1000 });
    await world.run(compact(log));
    const expected = ["0 a=v", "2 last=v", "3 b=2", "4 last=v"];
    expect(await left(world, log)).toEqual(expected);
    expect(await left(world, await lead(world))).toEqual(expected);
    expect(world.stream.messages.filter(({ messageId }) => /copy/.test(messageId))).toHaveLength(1);
  });

  it("leaves a follower that reads meanwhile without a gap", async () => {
    const { world, log } = await logOf([v("a", "1")], [v("b")], [v("a", "2")], [v("c")]);
    const behind = await world.run(world.engine().replication.follow(ID, ONE_EACH));
    behind.configure({ onAdvance: () => {} });
    const known = await left(world, behind);
    await world.run(log.append(batchWith([v("d")]), 0));
    await world.run(compact(log));
    for (let i = 0; i < 4; i++) await world.run(log.append(batchWith([v(`e${i}`)]), 0));
    await world.run(compact(log));
    expect(known).toHaveLength(4);
    behind.refresh(log.endOffset);
    await world.pass(7000);
    expect(behind.endOffset).toBe(log.endOffset);
    expect(await left(world, behind)).toEqual(await left(world, log));
    expect(behind.damagedRanges).toBe(0);
  });

  it("lets a former leader read on, which does not know of it", async () => {
    const { world, log: former } = await logOf([v("a", "1")], [v("a", "2")], [v("b")], last);
    const log = await lead(world);
    await world.run(log.append(batchWith([v("c")]), 1));
    await world.run(compact(log));
    await world.pass(100);
    for (const offset of [0, 1, 2, 3]) {
      const [first] = await world.run(former.read(offset, 1));
      expect(baseOffsetOf(first!)).toBeLessThanOrEqual(offset);
    }
    expect(await world.run(former.offsetAt(0))).not.toBeNull();
    expect(former.damagedRanges).toBe(0);
    expect(await left(world, log)).toEqual(["1 a=2", "2 b=v", "3 last=v", "4 c=v"]);
  });

  it("ends the run of a former leader, which can't append any more", async () => {
    for (const isCompacted of [false, true]) {
      const { world, log: former } = await logOf([v("a")], [v("a")], [v("b")], last);
      const log = await lead(world);
      await world.run(log.append(batchWith([v("c")]), 1));
      if (isCompacted) await world.run(compact(log));
      await expect(world.run(compact(former))).rejects.toMatchObject({ kind: "closed" });
      await world.run(compact(log));
      const expected = ["1 a=v", "2 b=v", "3 last=v", "4 c=v"];
      expect(await left(world, await lead(world))).toEqual(expected);
    }
  });

  it("takes the later one of two starts that are saved at the same time", async () => {
    const { world, log: former } = await logOf([v("a")], [v("b")], [v("c")], [v("d")], last);
    await world.run(compact(former));
    await world.run(former.append(batchWith([v("d", "2")]), 0));
    await world.run(former.append(batchWith(last), 0));
    let meanwhile: Promise<unknown> | null = null;
    world.model.fateOf = ({ subject }) => {
      if (!subject.startsWith("tarpan.s.") || meanwhile !== null) return "fine";
      // The former leader's start gets lost. Before it is sent again, the next leader moves it.
      meanwhile = world
        .engine()
        .replication.lead(ID, ONE_EACH)
        .then((log) => log.deleteBefore(2));
      return "lost";
    };
    await world.run(compact(former));
    await world.run(meanwhile!);
    const expected = ["2 c=v", "4 last=v", "5 d=2", "6 last=v"];
    expect(await left(world, former)).toEqual(expected);
    const next = await lead(world);
    expect(next.startOffset).toBe(2);
    expect(await left(world, next)).toEqual(expected);
    expect(world.lines).toEqual([]);
  });

  it("purges only what is synced elsewhere, where acknowledgements come before syncs", async () => {
    const world = new World();
    const lazy = () => world.engine(undefined, 1000);
    const engine = lazy();
    await world.run(engine.replication.provision(ID, ONE_EACH));
    let log = await lead(world, engine);
    for (const batch of [[v("a")], [v("a")], [v("b")], last])
      await world.run(log.append(batchWith(batch), 0));
    const sentMs = new Map<string, number>();
    world.model.fateOf = ({ subject }) => {
      sentMs.set(subject.slice(0, 8), world.time.monotonicMs());
      return "fine";
    };
    const isPurged = () => world.stream.messages[0]!.sequence > 1;
    await world.run(compact(log));
    expect(sentMs.get("tarpan.s")! - sentMs.get("tarpan.p")!).toBeGreaterThanOrEqual(1000);
    await world.run(log.deleteBefore(2));
    expect(isPurged()).toBe(false);
    // The next leader can't know when the start was saved.
    log = await lead(world, lazy());
    await world.run(log.compactor.measure(0, 0));
    await world.pass(900);
    await world.run(log.compactor.measure(0, 0));
    expect(isPurged()).toBe(false);
    await world.pass(200);
    await world.run(log.compactor.measure(0, 0));
    expect(isPurged()).toBe(true);
    expect(await left(world, log)).toEqual(["2 b=v", "3 last=v"]);
  });

  it("waits for the start of the log while a server answers with an older one", async () => {
    const { world, log } = await logOf([v("a")], [v("b")], [v("a")], last);
    const behind = await world.run(world.engine().replication.follow(ID, ONE_EACH));
    await world.run(log.append(batchWith(last), 0));
    await world.run(compact(log));
    const starts = world.model.stream("tarpan-checkpoints");
    const { messages } = starts;
    starts.messages = [];
    world.time.after(4000, () => {
      starts.messages = messages;
    });
    const read = await world.run(behind.read(0, 1));
    expect(read.map(nextOffsetOf).at(-1)).toBe(2);
    expect(world.lines).toEqual([]);
  });

  it("moves its start inside and behind what was compacted", async () => {
    const { world, log } = await logOf([v("a")], [v("b")], [v("c")], [v("d")], last);
    await world.run(compact(log));
    await world.run(log.deleteBefore(2));
    expect(await left(world, log)).toEqual(["2 c=v", "3 d=v", "4 last=v"]);
    expect(await left(world, await lead(world))).toEqual(["2 c=v", "3 d=v", "4 last=v"]);
    const next = await lead(world);
    await world.run(next.deleteBefore(4));
    expect(await left(world, next)).toEqual(["4 last=v"]);
    await world.run(next.append(batchWith([v("z")]), 9));
    await world.run(compact(next));
    const again = await lead(world);
    expect(await left(world, again)).toEqual(["4 last=v", "5 z=v"]);
    await world.run(again.deleteBefore(6));
    expect(await left(world, again)).toEqual([]);
    expect(await left(world, await lead(world))).toEqual([]);
    expect(world.lines).toEqual([]);
  });

  it("lets the start move while it works, whatever is then left", async () => {
    for (const [offset, expected] of [
      [1, ["2 b=v", "3 c=v", "4 last=v"]],
      [4, ["4 last=v"]],
      [5, []],
    ] as const) {
      const { world, log } = await logOf([v("a")], [v("a")], [v("b")], [v("c")], last);
      let moved: Promise<void> | null = null;
      const throttle = async () => {
        moved ??= log.deleteBefore(offset);
        await moved;
      };
      await world.run(compact(log, { throttle })).catch(({ kind }) => expect(kind).toBe("closed"));
      const found = await left(world, await lead(world));
      expect(found.filter((line) => !line.includes(" a="))).toEqual(expected);
      expect(world.lines).toEqual([]);
    }
  });

  it("compacts what there is memory for, and the rest in the next run", async () => {
    const keys = ["a", "b", "c", "d", "e", "a", "b", "c", "d", "e"];
    const { world, log } = await logOf(...keys.map((key) => [v(key)]), last);
    const small = { slots: 4, loadFactor: 0.75 };
    expect(await world.run(compact(log, small))).toMatchObject({ keys: 3, isPartial: true });
    while ((await log.compactor!.measure(0, 0)) !== null) await world.run(compact(log, small));
    expect(await left(world, log)).toEqual(
      ["5 a=v", "6 b=v", "7 c=v", "8 d=v", "9 e=v"].concat("10 last=v"),
    );
    await world.run(log.append(batchWith([v("x"), v("y"), v("z")]), 0));
    await world.run(log.append(batchWith(last), 0));
    const one = { slots: 3, loadFactor: 0.5 };
    expect(await world.run(compact(log, one))).toMatchObject({ keys: 1, isPartial: true });
    const tiny = compact(log, one);
    await expect(world.run(tiny)).rejects.toMatchObject({ kind: "busy" });
  });

  it("compacts no message that reaches beyond `upTo`", async () => {
    const batches = [[v("a", "1")], [v("a", "2")], [v("a", "3"), v("b")], last, last];
    const { world, log } = await logOf(...batches);
    await world.run(compact(log, { upTo: 3 }));
    expect(await left(world, log)).toEqual(
      ["1 a=2", "2 a=3", "3 b=v"].concat("4 last=v", "5 last=v"),
    );
    await world.run(compact(log, { upTo: 2 }));
    await world.run(compact(log));
    expect(await left(world, log)).toEqual(["2 a=3", "3 b=v", "4 last=v", "5 last=v"]);
  });

  it("touches nothing of a log with a damaged batch", async () => {
    const { world, log } = await logOf([v("a", "1")], [v("a", "2")], last);
    world.stream.messages[2]!.payload[64]! ^= 1;
    const { length } = world.stream.messages;
    await expect(world.run(compact(log))).rejects.toMatchObject({ kind: "corrupt" });
    expect(world.stream.messages).toHaveLength(length);
  });

  it("gives up when it is no longer wanted, and when the log is closed", async () => {
    const { world, log } = await logOf([v("a")], [v("a")], last);
    const unwanted = compact(log, { isWanted: () => false });
    await expect(world.run(unwanted)).rejects.toMatchObject({ kind: "closed" });
    const throttle = () => log.close();
    await expect(world.run(compact(log, { throttle }))).rejects.toMatchObject({ kind: "closed" });
    expect(await left(world, await lead(world))).toEqual(["0 a=v", "1 a=v", "2 last=v"]);
  });

  it("leaves the newest segment alone, unless it is older than segment.ms", async () => {
    const { world, log } = await logOf([v("a")], [v("a")], [v("a")]);
    log.configure({ segmentBytes: 1 << 20 });
    expect(await world.run(log.compactor!.measure(0, 1000 + OPTIONS.segmentMs))).toBeNull();
    const nowMs = 1001 + OPTIONS.segmentMs;
    expect(await world.run(log.compactor!.measure(0, nowMs))).not.toBeNull();
    await world.run(compact(log, { nowMs }));
    expect(await left(world, log)).toEqual(["2 a=v"]);
    expect(await left(world, await lead(world))).toEqual(["2 a=v"]);
  });

  it("leaves records alone that are younger than min.compaction.lag.ms", async () => {
    const at = (timestamp: number) => [{ key: "a", value: `${timestamp}`, timestamp }];
    const { world, log } = await logOf(at(1000), at(2000), at(3000), at(4000), last);
    await world.run(compact(log, { minLagMs: 500, nowMs: 3300 }));
    expect(await left(world, log)).toEqual(["1 a=2000", "2 a=3000", "3 a=4000", "4 last=v"]);
  });
});

it("loses nothing when the leader crashes at any request of a run", async () => {
  let requests = 0;
  for (let crashAt = 1; ; crashAt++) {
    const world = new World({ seed: crashAt });
    const model = new CompactionModel(new SeededRandom(crashAt), 5);
    const crashing = new CrashingTransport(world.model.connect());
    const engine = world.engine(crashing);
    await world.run(engine.replication.provision(ID, ONE_EACH));
    const log = await lead(world, engine);
    for (let i = 0; i < 8; i++) await world.run(model.append(log));
    await world.run(compact(log));
    for (let i = 0; i < 6; i++) await world.run(model.append(log));
    crashing.crashAfter(crashAt);
    const running = compact(log).catch(() => "failed");
    const outcome = await world.run(Promise.race([running, crashing.crashed]));
    const next = await lead(world);
    await world.run(model.check(next));
    expect(next.endOffset).toBe(log.endOffset);
    await world.run(next.compactor!.measure(0, 0));
    await world.run(compact(next, { nowMs: 1 }));
    const found = await world.run(model.check(next));
    const keys = found.slice(0, -4).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(world.lines).toEqual([]);
    if (typeof outcome !== "string") break;
    requests = crashAt;
  }
  // To read, to append copies, to save the start, and to purge: otherwise this proves nothing.
  expect(requests).toBeGreaterThan(5);
});

/** A broker's connection, after whose n-th further request the broker is gone. */
class CrashingTransport implements JetStreamTransport {
  readonly #transport: JetStreamTransport;
  #left = Number.POSITIVE_INFINITY;
  #crash = (_: string) => {};
  readonly crashed = new Promise<string>((resolve) => {
    this.#crash = resolve;
  });

  constructor(transport: JetStreamTransport) {
    this.#transport = transport;
  }

  crashAfter(requests: number): void {
    this.#left = requests;
  }

  get maxPayloadBytes(): number {
    return this.#transport.maxPayloadBytes;
  }

  publish(...of: Parameters<JetStreamTransport["publish"]>): void {
    this.#transport.publish(...of);
    this.#count();
  }

  request(...of: Parameters<JetStreamTransport["request"]>) {
    const answer = this.#transport.request(...of);
    this.#count();
    return answer;
  }

  readDirect(...of: Parameters<JetStreamTransport["readDirect"]>) {
    const answer = this.#transport.readDirect(...of);
    this.#count();
    return answer;
  }

  close(): void {
    this.#transport.close();
  }

  #count(): void {
    if (--this.#left > 0) return;
    this.#transport.close();
    this.#crash("crashed");
  }
}
