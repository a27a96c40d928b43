// nats-server, which every broker of a cluster runs: an installed one, else one built with Go, else
// Debian's. Debian's version is too old to be safe and is marked so: a broker needs a flag to run
// it.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { canInstallPackages, findProgram, installPackages } from "./programs.mjs";
import { run, StepFailed, step } from "./steps.mjs";

const PINNED = "v2.14.10";
/** A broker warns of anything older, and of 2.15.0: see packages/broker/src/nats/version.ts. */
const OLDEST = [2, 14, 8];
const TO_AVOID = "2.15.0";
const DEBIANS = ["/usr/bin/nats-server", "/usr/sbin/nats-server"];

/** `home` is the folder where a built nats-server is kept. */
export async function natsServerPeer(home) {
  const own = join(home, "nats-server", "nats-server");
  for (const path of [process.env.TARPAN_NATS_SERVER, findProgram("nats-server"), own])
    if (path && (await isNewEnough(path))) return { path };
  const reasons = [];
  const go = findProgram("go") ?? ["/usr/local/go/bin/go"].find(existsSync);
  if (go) {
    const built = await attempt(reasons, () => build(go, own));
    if (built) return { path: own };
  } else reasons.push("no go on this machine");
  if (canInstallPackages() && !DEBIANS.some(existsSync))
    await attempt(reasons, () => installPackages(["nats-server"]));
  const debians = DEBIANS.find(existsSync);
  if (debians) return { path: debians, old: true };
  return { missing: reasons.join("; "), required: false };
}

async function build(go, own) {
  const directory = join(own, "..");
  mkdirSync(directory, { recursive: true });
  const env = { ...process.env, GOBIN: directory, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" };
  const args = ["install", `github.com/nats-io/nats-server/v2@${PINNED}`];
  await step(`Building nats-server ${PINNED}`, go, args, { env });
}

async function attempt(reasons, work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    reasons.push(error.message.split("\n")[0]);
    return false;
  }
}

async function isNewEnough(path) {
  if (!existsSync(path)) return false;
  const output = await run(path, ["-v"]).catch(() => "");
  const version = /v(\d+)\.(\d+)\.(\d+)/.exec(output)?.slice(1).map(Number);
  if (!version || version.join(".") === TO_AVOID) return false;
  const at = version.findIndex((number, i) => number !== OLDEST[i]);
  return at < 0 || version[at] > OLDEST[at];
}
