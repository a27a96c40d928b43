// `npm run bench [-- --quick] [-- --only SECTION] [-- --peers kafka --kafka-dir DIR]`: installs and
// builds if needed, then measures. The bench is compiled too, so that both the measured and the
// measuring code run as plain JavaScript.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, exitOnFailure, install, requireNode, root, step } from "./lib/steps.mjs";

requireNode();
await exitOnFailure(async () => {
  await install();
  await build();
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  await step("Building the bench", process.execPath, [tsc, "-b", join(root, "bench")]);
});

await import(pathToFileURL(join(root, "dist/bench/main.js")).href);
