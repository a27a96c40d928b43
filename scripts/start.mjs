// `npm start [-- broker flags]`: installs and builds if needed, then runs the broker.
//
// package.json has `exec node`, so that npm's shell becomes this process: a signal from npm would
// otherwise end only the shell, and the broker would keep running. Without a POSIX shell, run
// `node scripts/start.mjs`.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, exitOnFailure, install, requireNode, root } from "./lib/steps.mjs";

requireNode();
await exitOnFailure(async () => {
  await install();
  await build();
});

// The broker runs in this process, not in a child: so it gets all signals, its exit code is ours,
// and it can't outlive its parent.
const program = join(root, "packages/cli/bin/tarpan.js");
process.argv.splice(1, 1, program, "broker");
await import(pathToFileURL(program).href);
