// Restores the disk as it was after every change of a run, crashes it there in three ways, and
// checks what recovery finds.
import { describe, expect, it } from "vitest";
import type { FlushPolicy } from "../../src/config/settings.ts";
import type { Log, LogId } from "../../src/log/log.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { Crash } from "../env/crash.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { baseOffsetOf, batchOf, nextOffsetOf, OPTIONS, readAll } from "./batches.ts";

const ID: LogId = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
const SMALL = { ...OPTIONS, segmentBytes: 900, indexIntervalBytes: 100 };

/** What the caller had been promised; `at` and `asked` count the disk's changes until then. */
interface History {
  created: number;
  appended: { at: number; offset: number; bytes: Uint8Array }[];
  /** All batches that were given an offset, acknowledged or not. */
  sent: Map<number, Uint8Array[]>;
  starts: { asked: number; at: number; offset: number }[];
  checkpoints: { asked: number; at: number; offset: number }[];
}

async function run(env: TestEnv, flush: FlushPolicy, random: SeededRandom): Promise<History> {
  const engine = await SegmentEngine.openDirectory("/data", { env, flush });
  let log = await engine.create(ID, SMALL);
  const now = () => env.fs.changes.length;
  const history: History = {
    created: now(),
    appended: [],
    sent: new Map(),
    starts: [],
    checkpoints: [],
  };
  const appends: Promise<void>[] = [];
  const append = (id: number) => {
    const bytes = batchOf(id, { count: 1 + random.below(3), valueBytes: random.below(200) });
    const offset = log.nextOffset;
    const done = log.append(bytes, 0).then((given) => {
      expect(given).toBe(offset);
      history.appended.push({ at: now(), offset, bytes });
    });
    history.sent.set(offset, [...(history.sent.get(offset) ?? []), bytes]);
    appends.push(done);
    return done;
  };
  for (let step = 0; step < 25; step++) {
    const dice = random.below(20);
    if (dice < 12) await append(step);
    else if (dice < 16) await Promise.all([append(step), append(step + 100), append(step + 200)]);
    else if (dice < 17) {
      const offset = log.startOffset + random.below(log.endOffset - log.startOffset + 1);
      const asked = now();
      await log.deleteBefore(offset);
      history.starts.push({ asked, at: now(), offset });
    } else if (dice < 19) {
      const asked = now();
      const offset = log.endOffset;
      await log.saveCheckpoint(offset, Uint8Array.of(step));
      history.checkpoints.push({ asked, at: now(), offset });
    } else {
      await log.close();
      log = await engine.open(ID, SMALL);
    }
  }
  await Promise.all(appends);
  return history;
}

async function check(log: Log, history: History, at: number, isLossless: boolean): Promise<void> {
  const batches = await readAll(log, 300);
  const found = new Map(batches.map((batch) => [baseOffsetOf(batch), batch]));
  expect(found.size, "batches doubled").toBe(batches.length);
  for (const [i, batch] of batches.entries()) {
    if (i > 0) expect(baseOffsetOf(batch)).toBe(nextOffsetOf(batches[i - 1]!));
    const sent = history.sent.get(baseOffsetOf(batch)) ?? [];
    expect(sent.some((one) => Buffer.compare(one, batch) === 0)).toBe(true);
  }
  const durable = history.checkpoints.filter((one) => one.at <= at);
  const durableEnd = durable.at(-1)?.offset ?? 0;
  for (const { at: ackedAt, offset, bytes } of history.appended) {
    const isPromised = isLossless ? ackedAt <= at : nextOffsetOf(bytes) <= durableEnd;
    if (isPromised && nextOffsetOf(bytes) > log.startOffset)
      expect(found.has(offset), `acknowledged batch at ${offset} lost`).toBe(true);
  }
  const started = Math.max(0, ...history.starts.filter((one) => one.at <= at).map((s) => s.offset));
  const asked = Math.max(
    0,
    ...history.starts.filter((one) => one.asked <= at).map((s) => s.offset),
  );
  expect(log.startOffset).toBeGreaterThanOrEqual(started);
  expect(log.startOffset).toBeLessThanOrEqual(asked);
  const checkpoint = await log.loadCheckpoint();
  if (durable.length > 0 && durableEnd >= log.startOffset)
    expect(checkpoint?.offset).toBeGreaterThanOrEqual(durableEnd);
}

describe("crash points", () => {
  const policies: FlushPolicy[] = [{ mode: "always" }, { mode: "never" }];
  for (const flush of policies) {
    it(`recovers from a crash at any moment, flush ${flush.mode}`, {
      timeout: 120_000,
    }, async () => {
      const seed = seedOf(`crash points, flush ${flush.mode}`);
      const env = testEnv({ seed });
      const random = new SeededRandom(seed);
      const history = await run(env, flush, random);
      for (let at = 0; at <= env.fs.changes.length; at++) {
        const crashes: Crash[] = [{ kind: "process" }, { kind: "power" }, { kind: "torn", random }];
        for (const crash of crashes) {
          const isLossless = flush.mode === "always" || crash.kind === "process";
          const where = `seed ${seed}, ${crash.kind} crash after change ${at}`;
          await recoverAndCheck(env, flush, history, at, crash, isLossless).catch((error) => {
            throw new Error(`${where}: ${error.message}`, { cause: error });
          });
        }
      }
    });
  }
});

async function recoverAndCheck(
  env: TestEnv,
  flush: FlushPolicy,
  history: History,
  at: number,
  crash: Crash,
  isLossless: boolean,
): Promise<void> {
  const after = testEnv({ seed: at, fs: env.fs.crashedAt(at, crash) });
  const engine = await SegmentEngine.openDirectory("/data", { env: after, flush });
  expect(engine.cleanlyClosed).toBe(false);
  const isThere = (await engine.list()).length === 1;
  if (at >= history.created) expect(isThere, "a created log is missing").toBe(true);
  const log = await (isThere ? engine.open(ID, SMALL) : engine.create(ID, SMALL));
  await check(log, history, at, isLossless);
  // Appends work again, and a second crash loses nothing that the first recovery found.
  const before = (await readAll(log)).map((batch) => batch.slice());
  const offset = await log.append(batchOf(7), 3);
  const again = testEnv({ fs: after.fs.crashedAt(after.fs.changes.length, { kind: "power" }) });
  const second = await SegmentEngine.openDirectory("/data", { env: again, flush });
  const reopened = await second.open(ID, SMALL);
  const now = await readAll(reopened);
  for (const [i, batch] of before.entries())
    expect(Buffer.compare(now[i]!, batch), `batch ${i} changed`).toBe(0);
  if (flush.mode === "always") expect(reopened.endOffset).toBe(offset + 1);
}
