// What must be true of a log that was recovered after a crash. See crash-points.test.ts.
import { expect } from "vitest";
import type { Log } from "../../src/log/log.ts";
import type { TestEnv } from "../env/test-env.ts";
import { baseOffsetOf, nextOffsetOf, readAll } from "./batches.ts";
import type { CrashRun } from "./crash-run.ts";

/** A log that was opened after a crash. */
export interface Recovered {
  readonly run: CrashRun;
  /** The crash came after this change of the disk. */
  readonly at: number;
  /** Whether nothing acknowledged may be lost: not the case without flush and without power. */
  readonly isLossless: boolean;
  readonly env: TestEnv;
  readonly log: Log;
  readonly batches: readonly Uint8Array[];
}

export type CrashCheck = (recovered: Recovered) => void | Promise<void>;

export async function recoveredBy(found: Omit<Recovered, "batches">): Promise<Recovered> {
  return { ...found, batches: await readAll(found.log, 300) };
}

/** No batch is doubled, missing in the middle, or different from what was sent. */
const batchesAreThoseSent: CrashCheck = ({ run, batches }) => {
  for (const [i, batch] of batches.entries()) {
    if (i > 0) expect(baseOffsetOf(batch)).toBe(nextOffsetOf(batches[i - 1]!));
    const sent = run.sent.get(baseOffsetOf(batch)) ?? [];
    expect(sent.some((one) => Buffer.compare(one, batch) === 0)).toBe(true);
  }
};

const nothingAcknowledgedIsLost: CrashCheck = ({ run, at, isLossless, log, batches }) => {
  const found = new Set(batches.map(baseOffsetOf));
  const durableEnd = Math.max(lastOf(run.checkpoints, at), lastOf(run.synced, at));
  for (const { at: ackedAt, offset, bytes } of run.appended) {
    const isPromised = isLossless ? ackedAt <= at : nextOffsetOf(bytes) <= durableEnd;
    if (isPromised && nextOffsetOf(bytes) > log.startOffset)
      expect(found.has(offset), `acknowledged batch at ${offset} lost`).toBe(true);
  }
  if (isLossless) expect(log.damagedRanges).toBe(0);
};

const startIsWhereItWasMovedTo: CrashCheck = ({ run, at, log }) => {
  const asked = run.starts.filter((one) => one.asked <= at).map(({ offset }) => offset);
  expect(log.startOffset).toBeGreaterThanOrEqual(lastOf(run.starts, at));
  expect(log.startOffset).toBeLessThanOrEqual(Math.max(0, ...asked));
};

const checkpointIsTheNewest: CrashCheck = async ({ run, at, log }) => {
  const durableEnd = lastOf(run.checkpoints, at);
  if (durableEnd === 0 || durableEnd < log.startOffset) return;
  const checkpoint = await log.loadCheckpoint();
  expect(checkpoint?.offset).toBeGreaterThanOrEqual(durableEnd);
};

/** An opening does not wait for deletions that an earlier process left; each takes some turns. */
const DELETION_TURNS = 200;

/** Files that no later operation removes would fill the disk. */
const noFileIsLeftBehind: CrashCheck = async ({ env, log }) => {
  const all = () => env.fs.paths().filter((path) => path.startsWith("/data/t-0/"));
  const left = () => all().filter((name) => /\.(tmp|deleted)$/.test(name));
  for (let turn = 0; turn < DELETION_TURNS && left().length > 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(left()).toEqual([]);
  const names = all();
  const segments = new Set(names.filter((name) => name.endsWith(".log")));
  for (const name of names)
    if (/index$/.test(name))
      expect(segments.has(name.replace(/(time)?index$/, "log")), `${name} is left`).toBe(true);
  let sizeBytes = 0;
  for (const name of segments) sizeBytes += env.fs.contentOf(name).byteLength;
  expect(log.sizeBytes).toBe(sizeBytes);
};

/** Index files may be older or newer than the batches that survived. */
const timesAreFound: CrashCheck = async ({ log, batches }) => {
  const times = batches.map(maxTimestampOf);
  expect(log.maxTimestamp).toBeGreaterThanOrEqual(Math.max(-1, ...times));
  for (const time of [times[0], times.at(-1), Math.max(-1, ...times)]) {
    if (time === undefined || time < 0) continue;
    const first = batches[times.findIndex((one) => one >= time)]!;
    expect(await log.offsetAt(time)).toBe(Math.max(baseOffsetOf(first), log.startOffset));
  }
};

export const CORE_CHECKS: readonly CrashCheck[] = [
  batchesAreThoseSent,
  nothingAcknowledgedIsLost,
  startIsWhereItWasMovedTo,
  checkpointIsTheNewest,
  noFileIsLeftBehind,
  timesAreFound,
];

/** The largest offset promised before the change `at`. */
function lastOf(promised: readonly { at: number; offset: number }[], at: number): number {
  return Math.max(0, ...promised.filter((one) => one.at <= at).map(({ offset }) => offset));
}

function maxTimestampOf(batch: Uint8Array): number {
  return Number(new DataView(batch.buffer, batch.byteOffset).getBigInt64(35));
}
