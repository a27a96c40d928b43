// Puts the command line into few files: a process that loads 250 modules one by one takes twice as
// long to its first acknowledged record (docs/adr/0004). Does nothing when nothing has changed.

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { hashOf, placeBundle, upToDate } from "./lib/place-bundle.mjs";
import { root } from "./lib/steps.mjs";

const cli = join(root, "packages/cli/dist");
const target = join(cli, "bundle");
const bundled = ["cli", "broker", "client", "protocol"];
const bundledPackages = /^(@tarpan\/(broker|client|protocol)(\/.*)?|commander)$/;
const inputs = await hashOf(
  bundled.map((name) => join(root, "packages", name, "dist")),
  [join(root, "package-lock.json"), join(root, "scripts/bundle.mjs")],
);
if (!(await upToDate(target, inputs))) await bundle();

async function bundle() {
  const { rolldown } = await import("rolldown");
  const build = await rolldown({
    input: join(cli, "main.js"),
    platform: "node",
    // What is not bundled, from the registry and codecs, finds its own files from where it lies.
    external: (id) => /^[@a-z]/.test(id) && !bundledPackages.test(id),
  });
  const aside = await mkdtemp(`${target}-`);
  try {
    const { output } = await build.write({ dir: aside, comments: false });
    const files = output.map(({ fileName }) => fileName);
    await placeBundle(aside, target, files, inputs);
  } finally {
    await build.close();
    await rm(aside, { recursive: true, force: true });
  }
}
