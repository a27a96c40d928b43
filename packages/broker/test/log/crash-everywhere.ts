import { expect } from "vitest";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import type { Crash } from "../env/crash.ts";
import type { MemoryFiles } from "../env/memory-files.ts";
import { type TestEnv, testEnv } from "../env/test-env.ts";
import { batchOf, readAll } from "./batches.ts";
import { type CrashCheck, recoveredBy } from "./crash-checks.ts";
import { type CrashRun, ID, STEP_BYTES } from "./crash-run.ts";

/** One recovery in so many is itself crashed at every change. */
const CRASHED_RECOVERIES = 20;

/** Crashes the disk of `run` after each of its changes, in each way, and checks every recovery. */
export async function crashEverywhere(run: CrashRun, checks: readonly CrashCheck[]) {
  const { fs, random } = { ...run.env, random: run.random };
  for (let at = 0; at <= fs.changes.length; at++) {
    const crashes: Crash[] = [{ kind: "process" }, { kind: "power" }, { kind: "torn", random }];
    for (const crash of crashes) {
      const recovery = new Recovery(run, checks, at, crash);
      await recovery.check().catch((error: Error) => {
        const where = `${crash.kind} crash after change ${at}`;
        throw new Error(`${where}${recovery.again}: ${error.message}`, { cause: error });
      });
    }
  }
}

class Recovery {
  readonly #run: CrashRun;
  readonly #checks: readonly CrashCheck[];
  readonly #at: number;
  readonly #crash: Crash;
  /** Where the recovery itself was crashed, for the message of a failure. */
  again = "";

  constructor(run: CrashRun, checks: readonly CrashCheck[], at: number, crash: Crash) {
    this.#run = run;
    this.#checks = checks;
    this.#at = at;
    this.#crash = crash;
  }

  async check(): Promise<void> {
    const run = this.#run;
    const disk = run.env.fs.crashedAt(this.#at, this.#crash);
    const from = disk.changes.length;
    const isLossless = run.flush.mode === "always" || this.#crash.kind === "process";
    const { env, log } = await this.#recover(disk, isLossless);
    // Appends work again, and a second crash loses nothing that the first recovery found.
    const before = (await readAll(log)).map((batch) => batch.slice());
    const to = disk.changes.length;
    const offset = await log.append(batchOf(7), 3);
    const { log: reopened } = await open(run, crashedBy(env.fs, env.fs.changes.length));
    const now = await readAll(reopened);
    for (const [i, batch] of before.entries())
      expect(Buffer.compare(now[i]!, batch), `batch ${i} changed`).toBe(0);
    if (run.flush.mode === "always") expect(reopened.endOffset).toBe(offset + 1);
    if (run.random.below(CRASHED_RECOVERIES) > 0) return;
    for (let again = from; again < to; again++) {
      this.again = `, and a power crash after change ${again - from} of its recovery`;
      await this.#recover(crashedBy(disk, again), run.flush.mode === "always");
    }
  }

  async #recover(disk: MemoryFiles, isLossless: boolean) {
    const run = this.#run;
    const at = this.#at;
    const { env, log } = await open(run, disk, at >= run.created);
    const recovered = await recoveredBy({ run, at, isLossless, env, log });
    for (const check of this.#checks) await check(recovered);
    return recovered;
  }
}

function crashedBy(disk: MemoryFiles, at: number): MemoryFiles {
  return disk.crashedAt(at, { kind: "power" });
}

/** Opens the log in a new process; creates it if the crash came before that. */
async function open(run: CrashRun, fs: MemoryFiles, mustExist = true) {
  const env: TestEnv = testEnv({ fs });
  const { flush, logOptions } = run;
  const deletionStepBytes = STEP_BYTES;
  const engine = await SegmentEngine.openDirectory("/data", { env, flush, deletionStepBytes });
  const isThere = (await engine.list()).length === 1;
  if (mustExist) expect(isThere, "a created log is missing").toBe(true);
  const log = await (isThere ? engine.open(ID, logOptions) : engine.create(ID, logOptions));
  return { env, log };
}
