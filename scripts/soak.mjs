// `npm run soak [-- --minutes 60] [-- --engine segment|memory] [-- --bytes-per-second N]`: a broker
// under retention and compaction that is killed, stopped and reconfigured, with a checker of all
// that its clients see. TARPAN_SEED repeats the choices of a run.

import { join } from "node:path";
import { build, exitOnFailure, install, requireNode, root, step } from "./lib/steps.mjs";

requireNode();
const args = ["--conditions=tarpan-source", "--import", "tsx", join(root, "test/soak/main.ts")];
await exitOnFailure(async () => {
  await install();
  await build();
  await step("Soak", process.execPath, [...args, ...process.argv.slice(2)], { show: true });
});
