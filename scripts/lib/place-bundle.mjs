// Replaces a bundle by a new one, which was built in another directory. Processes may be running
// from the old bundle, or starting. Chunks are named by their content, so no existing file changes
// except main.js, which is replaced atomically. The chunks of the previous bundle are kept for
// processes that have read its main.js.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

const ENTRY = "main.js";
const MANIFEST = "manifest.json";

/**
 * A hash of the JavaScript in `directories` and of `files`: unlike times, contents survive copies.
 */
export async function hashOf(directories, files) {
  const scripts = (await Promise.all(directories.map(scriptsIn))).flat();
  const hash = createHash("sha256");
  for (const path of [...scripts.sort(), ...files]) {
    const content = await readFile(path);
    hash.update(`${basename(path)} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}

async function scriptsIn(directory) {
  const entries = await readdir(directory, { withFileTypes: true });
  const found = entries.map(async (entry) => {
    const path = join(directory, entry.name);
    // Finished and unfinished bundles are in the same folders as their inputs.
    if (entry.isDirectory()) return entry.name.startsWith("bundle") ? [] : scriptsIn(path);
    return path.endsWith(".js") ? [path] : [];
  });
  return (await Promise.all(found)).flat();
}

/** Whether the bundle in `target` was built from `inputs` and is complete. */
export async function upToDate(target, inputs) {
  const manifest = await manifestOf(target);
  if (manifest.inputs !== inputs) return false;
  const there = new Set(await readdir(target));
  return manifest.files.every((file) => there.has(file));
}

/** Moves `files` from the directory `aside` into `target`, which is created if it is missing. */
export async function placeBundle(aside, target, files, inputs) {
  await mkdir(target, { recursive: true });
  const before = await manifestOf(target);
  for (const file of files.filter((file) => file !== ENTRY))
    await rename(join(aside, file), join(target, file));
  await rename(join(aside, ENTRY), join(target, ENTRY));
  await writeFile(join(aside, MANIFEST), JSON.stringify({ inputs, files }));
  await rename(join(aside, MANIFEST), join(target, MANIFEST));
  const kept = new Set([...files, ...before.files, MANIFEST]);
  for (const file of await readdir(target))
    if (!kept.has(file)) await rm(join(target, file), { force: true });
}

async function manifestOf(target) {
  try {
    return JSON.parse(await readFile(join(target, MANIFEST), "utf8"));
  } catch {
    // There is no bundle, or one without a manifest: its files are kept for now.
    return { inputs: null, files: await readdir(target).catch(() => []) };
  }
}
