// `npm test [-- vitest arguments]`: installs, builds, gets the test peers, runs every test, then
// lists what was skipped and why. The last line is always "N passed, N failed, N skipped".

import { build, exitOnFailure, install, requireNode } from "./lib/steps.mjs";

requireNode();
await exitOnFailure(async () => {
  await install();
  await build();
  const { preparePeers } = await import("./peers.mjs");
  await preparePeers();
});

const { parseCLI, startVitest } = await import("vitest/node");
const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
const vitest = await startVitest("test", filter, { ...options, watch: false, run: true });

const passed = [];
const failed = [];
const skipped = [];
for (const module of vitest.state.getTestModules()) {
  // A file that can't be loaded has no tests, but counts as failed.
  if (module.errors().length > 0) failed.push(module.relativeModuleId);
  for (const test of module.children.allTests()) {
    const { state, note } = test.result();
    const name = `${module.relativeModuleId} > ${test.fullName}`;
    if (state === "passed") passed.push(name);
    else if (state === "failed") failed.push(name);
    else skipped.push({ name, reason: note ?? "no reason given" });
  }
}
const strayErrors = vitest.state.getUnhandledErrors().length;
await vitest.close();

if (skipped.length > 0) console.log(`\nSkipped:\n${skippedByReason(skipped)}`);
console.log(
  `\n${passed.length} passed, ${failed.length + strayErrors} failed, ${skipped.length} skipped`,
);
process.exit(failed.length + strayErrors > 0 || passed.length === 0 ? 1 : (process.exitCode ?? 0));

function skippedByReason(tests) {
  const reasons = new Map();
  for (const { name, reason } of tests) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  return [...reasons]
    .map(([reason, names]) => `  ${reason}\n${names.map((name) => `    ${name}`).join("\n")}`)
    .join("\n");
}
