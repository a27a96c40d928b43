// Restores the disk as it was after every change of a run, crashes it there in three ways, and
// checks what recovery finds. Some recoveries are crashed at every change as well.
import { describe, it } from "vitest";
import type { FlushPolicy } from "../../src/config/settings.ts";
import { SeededRandom, seedOf } from "../env/seeded-random.ts";
import { testEnv } from "../env/test-env.ts";
import { CORE_CHECKS } from "./crash-checks.ts";
import { crashEverywhere } from "./crash-everywhere.ts";
import { CORE_OPERATIONS, CrashRun } from "./crash-run.ts";

describe("crash points", () => {
  const policies: FlushPolicy[] = [{ mode: "always" }, { mode: "never" }];
  for (const flush of policies) {
    it(`recovers from a crash at any moment, flush ${flush.mode}`, {
      timeout: 120_000,
    }, async () => {
      const seed = seedOf(`crash points, flush ${flush.mode}`);
      const env = testEnv({ seed });
      const random = new SeededRandom(seed);
      const run = await CrashRun.of({ env, flush, random, operations: CORE_OPERATIONS });
      await crashEverywhere(run, CORE_CHECKS);
    });
  }
});
