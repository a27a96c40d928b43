// Runs the interop tests through a proxy that saves the shortest request of each client, API and
// version in test/golden. Run it for a new client, or when a client sends new requests.

import { join } from "node:path";
import { exitOnFailure, root, step } from "./lib/steps.mjs";

const env = { ...process.env, TARPAN_CAPTURE: join(root, "test/golden") };
const vitest = join(root, "node_modules/vitest/vitest.mjs");
await exitOnFailure(() =>
  // One test file after another: two may be for the same client.
  step("Capturing", process.execPath, [vitest, "run", "test/interop", "--no-file-parallelism"], {
    show: true,
    env,
  }),
);
