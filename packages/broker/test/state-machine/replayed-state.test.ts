import { ErrorCode } from "@tarpan/protocol";
import { describe, expect, it } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { LogError } from "../../src/log/log-error.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { METADATA_LOG } from "../../src/metadata/metadata-log.ts";
import { MAX_DECISION_BATCH_BYTES } from "../../src/state-machine/limits.ts";
import { ReplayedState } from "../../src/state-machine/replayed-state.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { LOG_OPTIONS } from "../metadata/support.ts";
import { type Counters, counterMachine, increment, look, remove } from "./counters.ts";

function load(log: Log, snapshotMinRecords?: number) {
  const options = { log, leaderEpoch: 0, wallMs: () => 1 };
  return ReplayedState.load(counterMachine, {
    ...options,
    ...(snapshotMinRecords && { snapshotMinRecords }),
  });
}

const newLog = () => new MemoryEngine(testEnv()).create(METADATA_LOG, LOG_OPTIONS);

/** Holds appends until the test lets them continue or fail. */
function gate(log: Log) {
  const waiting: { go: () => void; fail: (error: Error) => void }[] = [];
  const append = log.append.bind(log);
  log.append = (batch, epoch) =>
    new Promise((resolve, reject) => {
      waiting.push({ go: () => append(batch, epoch).then(resolve, reject), fail: reject });
    });
  return {
    get appends() {
      return waiting.length;
    },
    /** Waits for the next append and returns its controls. */
    async next() {
      while (waiting.length === 0) await turn();
      return waiting.shift()!;
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Collects the order in which promises settle. */
function track(order: string[], name: string, promise: Promise<unknown>) {
  return promise.then(
    () => order.push(name),
    (error) => order.push(`${name}: ${error.code}`),
  );
}

describe("a replayed state machine", () => {
  it("refuses one decision that is too large for a batch, and goes on with the others", async () => {
    const log = await newLog();
    const counters = await load(log);
    const before = counters.decide(increment("a"));
    const tooLarge = counters.decide(() => {
      return { records: [{ name: "x".repeat(8 << 20), value: 1 }], response: undefined };
    });
    const after = counters.decide(increment("a"));
    await expect(tooLarge).rejects.toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      message: expect.stringContaining("make it in several requests"),
    });
    await expect(Promise.all([before, after])).resolves.toEqual([1, 2]);
    expect([...(await load(log)).state]).toEqual([["a", 2]]);
  });

  it("gives large decisions a batch of their own", async () => {
    const log = await newLog();
    const appends = gate(log);
    const sizes: number[] = [];
    const append = log.append.bind(log);
    log.append = (batch, epoch) => {
      sizes.push(batch.length);
      return append(batch, epoch);
    };
    const counters = await load(log);
    const large = () => ({ records: [{ name: "x".repeat(700_000), value: 1 }], response: null });
    const decisions = Promise.all(
      [large, large, large].map((decision) => counters.decide(decision)),
    );
    for (let count = 0; count < 3; count++) (await appends.next()).go();
    await decisions;
    expect(Math.max(...sizes)).toBeLessThan(MAX_DECISION_BATCH_BYTES);
  });

  it("lets decisions see earlier ones in flight, and replies once these are durable", async () => {
    const log = await newLog();
    const appends = gate(log);
    const counters = await load(log);
    const first = counters.decide(increment("a"));
    const held = await appends.next();
    const order: string[] = [];
    const seen = counters.decide(look("a"));
    const done = [
      track(order, "first", first),
      track(order, "second", counters.decide(increment("a"))),
      track(order, "look", seen),
    ];
    await turn();
    expect([appends.appends, order, counters.state.get("a")]).toEqual([0, [], undefined]);
    held.go();
    (await appends.next()).go();
    await Promise.all(done);
    expect(order).toEqual(["first", "look", "second"]);
    expect([await first, await seen, counters.state.get("a")]).toEqual([1, 1, 2]);
    expect((await load(log)).state).toEqual(new Map([["a", 2]]));
  });

  it("replies at once to a decision without records when nothing is in flight", async () => {
    const log = await newLog();
    const counters = await load(log);
    expect(await counters.decide(look("a"))).toBe(0);
    expect(log.endOffset).toBe(0);
  });

  it("appends decisions made during an append as one batch", async () => {
    const log = await newLog();
    const appends = gate(log);
    const counters = await load(log);
    const all = Array.from({ length: 1_000 }, () => counters.decide(increment("a")));
    (await appends.next()).go();
    expect((await Promise.all(all)).at(-1)).toBe(1_000);
    expect(appends.appends).toBe(0);
  });

  it("changes nothing when a decision throws", async () => {
    const counters = await load(await newLog());
    const thrown = counters.decide(() => {
      throw new Error("no");
    });
    await expect(thrown).rejects.toThrow("no");
    expect(await counters.decide(increment("a"))).toBe(1);
  });

  it("goes offline when an append fails, and rejects all decisions", async () => {
    const log = await newLog();
    const appends = gate(log);
    const counters = await load(log);
    const order: string[] = [];
    const done = [track(order, "first", counters.decide(increment("a")))];
    const held = await appends.next();
    done.push(track(order, "second", counters.decide(increment("b"))));
    held.fail(new LogError("offline", "I/O error"));
    await Promise.all(done);
    expect(order).toEqual(["first: TARPAN_STATE_OFFLINE", "second: TARPAN_STATE_OFFLINE"]);
    expect(counters.state.size).toBe(0);
    await expect(counters.decide(look("a"))).rejects.toBe(counters.failure);
  });

  it("undoes decisions that a full disk refused, and stays online", async () => {
    const log = await newLog();
    const appends = gate(log);
    const counters = await load(log);
    const refused = counters.decide(increment("a"));
    const held = await appends.next();
    const alsoRefused = counters.decide(increment("a"));
    held.fail(new LogError("disk-full", "no space left"));
    await expect(refused).rejects.toMatchObject({ code: "TARPAN_STATE_DISK_FULL" });
    await expect(alsoRefused).rejects.toMatchObject({ code: "TARPAN_STATE_DISK_FULL" });
    expect(counters.failure).toBeNull();
    const accepted = counters.decide(increment("a"));
    (await appends.next()).go();
    expect(await accepted).toBe(1);
  });

  it("calls listeners after each commit, before the reply", async () => {
    const counters = await load(await newLog());
    const seen: number[] = [];
    const stop = counters.onCommit((previous, next) => seen.push(previous.size, next.size));
    await counters.decide(increment("a"));
    expect(seen).toEqual([0, 1]);
    stop();
    await counters.decide(increment("b"));
    expect(seen).toEqual([0, 1]);
  });
});

type Operation = { readonly batch: Uint8Array } | { readonly trimTo: number };

/** Records the operations on a log, so that they can be repeated up to any of them. */
function remember(log: Log): Operation[] {
  const operations: Operation[] = [];
  const append = log.append.bind(log);
  const deleteBefore = log.deleteBefore.bind(log);
  log.append = (batch, epoch) => {
    operations.push({ batch: batch.slice() });
    return append(batch, epoch);
  };
  log.deleteBefore = (offset) => {
    operations.push({ trimTo: offset });
    return deleteBefore(offset);
  };
  return operations;
}

async function redo(operations: readonly Operation[]): Promise<Log> {
  const log = await newLog();
  for (const operation of operations) {
    if ("batch" in operation) await log.append(operation.batch.slice(), 0);
    else await log.deleteBefore(operation.trimTo);
  }
  return log;
}

describe("snapshots", () => {
  it("keep the log short and survive a crash at any point", async () => {
    const random = new SeededRandom(seedOf("snapshots of counters"));
    const log = await newLog();
    const operations = remember(log);
    const counters = await load(log, 20);
    const states: Counters[] = [counters.state];
    const endsAt: number[] = [0];
    for (let i = 0; i < 300; i++) {
      const name = `c${random.below(8)}`;
      await (random.chance(0.25)
        ? counters.decide(remove(name))
        : counters.decide(increment(name)));
      await counters.settled();
      states.push(counters.state);
      endsAt.push(operations.length);
    }
    const trims = operations.filter((operation) => "trimTo" in operation);
    expect(trims.length).toBeGreaterThan(5);
    expect(log.endOffset - log.startOffset).toBeLessThan(60);
    for (let crash = 0; crash <= operations.length; crash++) {
      // A decision survives if its append, the first of its operations, was before the crash.
      const survived = endsAt.findLastIndex((_, i) => (endsAt[i - 1] ?? -1) + 1 <= crash);
      const reloaded = await load(await redo(operations.slice(0, crash)), 20);
      expect(reloaded.state, `after operation ${crash}`).toEqual(states[survived]);
    }
  });

  it("are durable before anything is trimmed", async () => {
    const log = await newLog();
    const appends = gate(log);
    const counters = await load(log, 20);
    for (let i = 0; i < 20; i++) {
      const done = counters.decide(increment("a"));
      (await appends.next()).go();
      await done;
    }
    const snapshot = await appends.next();
    await turn();
    expect(log.startOffset).toBe(0);
    snapshot.go();
    await counters.settled();
    expect([log.startOffset, log.endOffset]).toEqual([20, 21]);
    expect((await load(log)).state).toEqual(new Map([["a", 20]]));
  });

  it("are not written while the state is as large as the log", async () => {
    const log = await newLog();
    const operations = remember(log);
    const counters = await load(log, 20);
    for (let i = 0; i < 200; i++) await counters.decide(increment(`c${i}`));
    expect(operations).toHaveLength(200);
  });
});
