// Finding programs on this machine, and installing Debian's where that can be done.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { step } from "./steps.mjs";

export function findProgram(name) {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(existsSync);
}

export function canInstallPackages() {
  return process.getuid?.() === 0 && findProgram("apt-get") !== undefined;
}

/** Rejects with a StepFailed. */
export async function installPackages(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const title = `Installing ${packages.join(", ")}`;
  await step("Updating the list of Debian's packages", "apt-get", ["update", "-qq"], { env });
  const args = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
  await withoutServices(() => step(title, "apt-get", args, { env }));
}

/** Asked by Debian's packages before they start what they brought; 101 is no. */
const POLICY = "/usr/sbin/policy-rc.d";

/** A server of the machine's own would hold the ports that everybody uses. */
async function withoutServices(install) {
  if (existsSync(POLICY)) return install();
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return await install();
  } finally {
    rmSync(POLICY, { force: true });
  }
}
