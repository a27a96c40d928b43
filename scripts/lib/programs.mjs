// Finds programs on this machine, and installs Debian's packages where that is possible.

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

/** Debian's packages run this script before they start a service; exit code 101 forbids it. */
const POLICY = "/usr/sbin/policy-rc.d";

/** A started service would use the default ports. */
async function withoutServices(install) {
  if (existsSync(POLICY)) return install();
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return await install();
  } finally {
    rmSync(POLICY, { force: true });
  }
}
