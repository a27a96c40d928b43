// `npm run chaos`: the crash and fuzz tests, ten times as long as in `npm test`.

import { join } from "node:path";
import { build, exitOnFailure, install, requireNode, root, step } from "./lib/steps.mjs";

requireNode();
const env = { TARPAN_KILL_ROUNDS: "500", TARPAN_FUZZ_FRAMES: "2000000", ...process.env };
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const args = [vitest, "run", "test/crash", "test/fuzz", ...process.argv.slice(2)];
await exitOnFailure(async () => {
  await install();
  await build();
  await step("Chaos", process.execPath, args, { show: true, env });
});
