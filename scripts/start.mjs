// `npm start [-- broker flags]`: installs and builds if needed, then runs the broker.
//
// package.json says `exec node`: npm passes a signal to the shell it starts, which would die of it
// and leave the broker behind; so the shell becomes this process. Without a POSIX shell, run
// `node scripts/start.mjs`.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, exitOnFailure, install, requireNode, root } from "./lib/steps.mjs";

requireNode();
await exitOnFailure(async () => {
  await install();
  await build();
});

// The broker becomes this very process instead of a child of it: signals reach it, its exit code
// is ours, and no kill can leave it behind without its parent.
const program = join(root, "packages/cli/bin/tarpan.js");
process.argv.splice(1, 1, program, "broker");
await import(pathToFileURL(program).href);
