import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temp.ts";

const cli = fileURLToPath(new URL("../../packages/cli", import.meta.url));

/** Level 5 of the metadata, to which the next release has moved quotas. */
const CHANGES: readonly (readonly [string, string])[] = [
  ['\t"quotas"\n];', '\t"quotas",\n\t"quotas"\n];'],
  ["ClientQuotaRecord: 4", "ClientQuotaRecord: 5"],
];

/**
 * A program like the built one of this repository, but of a release that writes metadata which this
 * one can't read.
 */
export async function nextRelease(): Promise<string> {
  const root = await temporaryDirectory();
  await mkdir(join(root, "dist"));
  await symlink(join(cli, "../../node_modules"), join(root, "node_modules"));
  for (const part of ["bin", "package.json", "dist/bundle"]) {
    await cp(join(cli, part), join(root, part), { recursive: true });
  }
  const bundle = join(root, "dist/bundle");
  for (const change of CHANGES) await replaceOnce(bundle, ...change);
  return join(root, "bin/tarpan.js");
}

async function replaceOnce(directory: string, from: string, to: string): Promise<void> {
  let count = 0;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const text = await readFile(path, "utf8");
    if (!text.includes(from)) continue;
    await writeFile(path, text.replace(from, to));
    count++;
  }
  if (count === 0) throw new Error(`nothing in ${directory} has ${from}: build it first`);
}
