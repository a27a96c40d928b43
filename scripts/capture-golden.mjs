// Runs the interop tests through a proxy that keeps the shortest request of each client, API and
// version in test/golden. Run it when a client is new or does something it did not do before.

import { join } from "node:path";
import { exitOnFailure, root, step } from "./lib/steps.mjs";

const env = { ...process.env, TARPAN_CAPTURE: join(root, "test/golden") };
const vitest = join(root, "node_modules/vitest/vitest.mjs");
await exitOnFailure(() =>
  // One file of tests after another: two may be of one client.
  step("Capturing", process.execPath, [vitest, "run", "test/interop", "--no-file-parallelism"], {
    show: true,
    env,
  }),
);
