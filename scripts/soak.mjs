// `npm run soak [-- --minutes 60] [-- --engine segment|memory] [-- --bytes-per-second N]`: a broker
// under retention and compaction that is killed, stopped and reconfigured, with a checker of all
// that its clients see. TARPAN_SEED repeats the choices of a run.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { build, exitOnFailure, install, requireNode, root } from "./lib/steps.mjs";

requireNode();
await exitOnFailure(async () => {
  await install();
  await build();
});

const args = ["--conditions=tarpan-source", "--import", "tsx", join(root, "test/soak/main.ts")];
// Not as a step: the lines of each minute tell its progress, and the last line is the verdict.
const soak = spawn(process.execPath, [...args, ...process.argv.slice(2)], { stdio: "inherit" });
soak.on("close", (code) => process.exit(code ?? 1));
