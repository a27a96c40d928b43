import type { FlushPolicy } from "../../src/config/settings.ts";
import { DISK_CHECK_INTERVAL_MS } from "../../src/log/limits.ts";
import type { Log, LogId } from "../../src/log/log.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { type Operation, osError } from "../env/memory-files.ts";
import { aloneOnTheMachine, type TestEnv, testEnv } from "../env/test-env.ts";
import { baseOffsetOf, batchOf, OPTIONS, readAll } from "./batches.ts";

export const ID: LogId = { topic: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partition: 0 };
export const FIRST = "/data/t-0/00000000000000000000.log";
export const ALWAYS: FlushPolicy = { mode: "always" };

export async function start(flush: FlushPolicy = ALWAYS, options = OPTIONS, env = testEnv()) {
  const lines: string[] = [];
  const alerts: string[] = [];
  const log = (line: string) => void lines.push(line);
  const alert = (line: string) => void alerts.push(line);
  const engine = await SegmentEngine.openDirectory("/data", { env, flush, log, alert });
  return { env, engine, lines, alerts, log: await engine.create(ID, options) };
}

/** Starts a new process on the disk as it is now, as if the old one had been killed. */
export async function restart(env: TestEnv, options = OPTIONS) {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const again: TestEnv = { ...env, processes: aloneOnTheMachine() };
  const engine = await SegmentEngine.openDirectory("/data", { env: again, flush: ALWAYS, log });
  return { env: again, engine, lines, log: await engine.open(ID, options) };
}

/** Waits until the engine notices that the disk has room again. */
export async function roomIsFound(env: TestEnv, engine: SegmentEngine): Promise<void> {
  env.time.advance(DISK_CHECK_INTERVAL_MS);
  while (engine.problem !== null) await new Promise(setImmediate);
}

/** Leaves `bytes` free on the disk as it is now. */
export async function leaveFree(env: TestEnv, bytes: number): Promise<void> {
  env.fs.capacityBytes = bytes;
  for (const path of env.fs.paths()) {
    env.fs.capacityBytes += (await env.fs.stat(path))?.sizeBytes ?? 0;
  }
}

export async function fill(log: Log, count: number, valueBytes = 100): Promise<void> {
  for (let i = 0; i < count; i++) await log.append(batchOf(i, { valueBytes }), 0);
}

export function failOn(env: TestEnv, operation: Operation, code: string, suffix = ".log"): void {
  env.fs.fault = (called, path) => {
    if (called === operation && path.endsWith(suffix)) throw osError(code, path);
  };
}

export async function basesOf(log: Log): Promise<number[]> {
  return (await readAll(log)).map(baseOffsetOf);
}
