// Shared by the scripts of package.json and `.ci/run`. It runs before anything is installed, so it
// imports only node:* modules, and on an old Node it fails with one sentence.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

const OLDEST_NODE = [20, 19];

/** Ends the process with one line if this Node can't run Tarpan. */
export function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  console.error(`Tarpan needs Node ${OLDEST_NODE.join(".")} or newer, this is ${process.version}.`);
  process.exit(1);
}

/** Installs the dependencies if one from package-lock.json is missing. */
export async function install() {
  if (isInstalled()) return;
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  await step(
    "Installing dependencies",
    npm ? process.execPath : "npm",
    npm ? [npm, ...args] : args,
  );
}

/** Compiles the files that have changed since the last build. */
export async function build() {
  await step("Building", process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"]);
  await step("Bundling", process.execPath, [join(root, "scripts/bundle.mjs")]);
}

/**
 * Whether node_modules matches package-lock.json. npm lists what it has installed in another lock
 * file; we compare the two files, since their times do not survive copies and clones.
 */
function isInstalled() {
  const installedPath = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installedPath)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  return Object.entries(wanted).every(([path, { version, optional, peer }]) => {
    if (!path.startsWith("node_modules/")) return true;
    if (installed[path]) return installed[path].version === version;
    return optional === true || peer === true;
  });
}

/**
 * Runs one step, and prints its name and how long it takes. Shows its output only if it fails or if
 * `show` is set. Rejects with a StepFailed.
 */
export async function step(title, command, args, { show = false, env = process.env } = {}) {
  const startedMs = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedMs) / 1000)} s`;
  progress(`${title} …`);
  const ticker = setInterval(() => progress(`${title} … ${seconds()}`), 10_000);
  try {
    const output = await run(command, args, { show, env });
    progress(`${title}: done in ${seconds()}`);
    return output;
  } catch (error) {
    throw new StepFailed(`${title} failed after ${seconds()}: ${error.message}`, { cause: error });
  } finally {
    clearInterval(ticker);
  }
}

export class StepFailed extends Error {}

/** Runs a program in the repository root; resolves to its output, or rejects with it. */
export function run(command, args, { show = false, env = process.env, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (show) process.stderr.write(text);
      });
    }
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ended with ${signal ?? code}\n${output.trimEnd()}`));
    });
  });
}

function progress(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs `main`. A failed step prints one message, with exit code 1; a bug prints its stack trace.
 */
export async function exitOnFailure(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof StepFailed ? error.message : error);
    process.exit(1);
  }
}
