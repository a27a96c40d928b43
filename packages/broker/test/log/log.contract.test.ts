import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlushPolicy } from "../../src/config/settings.ts";
import type { Env } from "../../src/env/env.ts";
import { nodeEnv } from "../../src/env/node-env.ts";
import { MemoryEngine } from "../../src/log/memory.ts";
import { SegmentEngine } from "../../src/log/segment/engine.ts";
import { logContract } from "../contract/log.contract.ts";
import { testEnv } from "../env/test-env.ts";

logContract("memory", () => ({
  open: async () => new MemoryEngine(testEnv()),
  reopen: null,
  dispose: async () => {},
}));

const policies: FlushPolicy[] = [
  { mode: "always" },
  { mode: "interval", intervalMs: 5 },
  { mode: "never" },
];
for (const flush of policies) {
  logContract(`segment on a disk in memory, flush ${flush.mode}`, () => {
    const env = testEnv();
    const open = () => SegmentEngine.openDirectory("/data", { env, flush });
    return { open, reopen: open, dispose: async () => {} };
  });

  logContract(`segment on a real disk, flush ${flush.mode}`, () => {
    let directory = "";
    const env: Env = nodeEnv;
    const open = () => SegmentEngine.openDirectory(join(directory, "data"), { env, flush });
    return {
      open: async () => {
        directory = await mkdtemp(join(tmpdir(), "tarpan-log-"));
        return open();
      },
      reopen: open,
      dispose: () => rm(directory, { recursive: true, force: true }),
    };
  });
}
