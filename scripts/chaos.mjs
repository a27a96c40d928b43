// `npm run chaos`: runs the crash, fuzz and group tests and the simulations ten times as long as
// `npm test`, or longer, the cluster tests with more and longer faults, and losses of power.

import { join } from "node:path";
import { build, exitOnFailure, install, requireNode, root, step } from "./lib/steps.mjs";

requireNode();
const env = {
  TARPAN_KILL_ROUNDS: "500",
  TARPAN_FUZZ_FRAMES: "2000000",
  TARPAN_GROUP_ROUNDS: "10",
  TARPAN_MESSAGE_ID_ROUNDS: "100",
  TARPAN_RUNS: "1000",
  TARPAN_CRASH_RUNS: "50",
  TARPAN_WRONG_PASSWORDS: "1000000",
  TARPAN_CHAOS: "1",
  ...process.env,
};
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const tests = [
  ...["test/crash", "test/fuzz", "crash-points", "compaction-", "power-loss", "simulation"],
  ...["test/interop/groups-", "test/interop/kafka-streams", "test/interop/kafka-connect"],
  ...["test/interop/kafka-transactions", "test/interop/transactions-"],
  ...["test/interop/secured-clients", "test/interop/kafka-tools-security"],
  ...["test/interop/mirror-maker", "test/interop/java-stores", "keystores/test/hostile"],
  ...["test/cluster", "transaction-histories", "runner/history", "wrong-passwords"],
  ...["http/attacks", "slow-and-many", "half-handshakes"],
];
const args = [vitest, "run", ...tests, ...process.argv.slice(2)];
await exitOnFailure(async () => {
  await install();
  await build();
  const { preparePeers } = await import("./peers.mjs");
  await preparePeers({ isChaos: true });
  await step("Chaos", process.execPath, args, { show: true, env });
});
