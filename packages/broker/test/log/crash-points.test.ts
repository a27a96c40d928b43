// Restores the disk as it was after every change of a run, crashes it there in three ways, and
// checks what recovery finds. Some recoveries are crashed at every change as well.
import { describe, it } from "vitest";
import type { FlushPolicy } from "../../src/config/settings.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { CORE_CHECKS } from "./crash-checks.ts";
import { crashEverywhere } from "./crash-everywhere.ts";
import { CORE_OPERATIONS, CrashRun, RETENTION_OPERATIONS } from "./crash-run.ts";

/** `npm run chaos` sets a higher number. */
const RUNS = Number(process.env.TARPAN_CRASH_RUNS ?? 1);

async function crashOneRun(seed: number, flush: FlushPolicy): Promise<void> {
  const env = testEnv({ seed });
  const random = new SeededRandom(seed);
  const operations = [...CORE_OPERATIONS, ...RETENTION_OPERATIONS];
  const run = await CrashRun.of({ env, flush, random, operations });
  await crashEverywhere(run, CORE_CHECKS);
}

describe("crash points", () => {
  const policies: FlushPolicy[] = [{ mode: "always" }, { mode: "never" }];
  for (const flush of policies) {
    it(`recovers from a crash at any moment, flush ${flush.mode}`, {
      timeout: RUNS * 120_000,
    }, async () => {
      const seed = seedOf(`crash points, flush ${flush.mode}`);
      for (let run = 0; run < RUNS; run++)
        await crashOneRun(seed + run, flush).catch((error: Error) => {
          throw new Error(`TARPAN_SEED=${seed + run}: ${error.message}`, { cause: error });
        });
    });
  }
});
