// Bundles the command line into few files: with 250 modules the time to the first acknowledged
// record is twice as long (docs/adr/0004). Does nothing if no input has changed.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { hashOf, placeBundle, upToDate } from "./lib/place-bundle.mjs";
import { root } from "./lib/steps.mjs";

const cli = join(root, "packages/cli/dist");
const target = join(cli, "bundle");
const bundled = ["cli", "broker", "client", "protocol", "codecs", "keystores"];
// Of other packages, only those that every start loads and that are pure JavaScript: for these,
// opening a file takes longer than running its code.
const bundledPackages =
  /^((@tarpan\/(broker|client|protocol|codecs|keystores)|hono)(\/.*)?|commander|sonic-boom)$/;
const inputs = await hashOf(
  bundled.map((name) => join(root, "packages", name, "dist")),
  [join(root, "package-lock.json"), join(root, "scripts/bundle.mjs")],
);
/** Commander imports it for commands that are other programs, which we don't have: saves 3 ms. */
const withoutChildProcesses = {
  name: "without-child-processes",
  resolveId: (id, importer) =>
    id === "node:child_process" && importer.includes("/node_modules/commander/") ? "\0none" : null,
  load: (id) => (id === "\0none" ? "export {};" : null),
};
/** In the bundle, too, codecs must load their native modules relative to their own package. */
const codecsFromTheirPackage = {
  name: "codecs-from-their-package",
  transform: (code, id) =>
    id.includes("/codecs/dist/native.js")
      ? code.replace("import.meta.url", 'import.meta.resolve("@tarpan/codecs")')
      : null,
};
/** One character beyond ASCII has V8 keep the whole file with two bytes for each character. */
const asciiOnly = {
  name: "ascii-only",
  generateBundle(_options, files) {
    for (const file of Object.values(files)) {
      if (file.type === "chunk") file.code = file.code.replace(/[\u0080-\uffff]/g, escapeOf);
    }
  },
};
const escapeOf = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
/** The code of every command, in one file: each file that is loaded costs half a millisecond. */
const COMMAND = {
  name: "command",
  test: /\/cli\/dist\/(args|program|terminal)\/|\/commander\/|\/nearest\.js$|\0none/,
};

if (!(await upToDate(target, inputs))) await bundle();

async function bundle() {
  const { rolldown } = await import("rolldown");
  const build = await rolldown({
    input: join(cli, "main.js"),
    platform: "node",
    preserveEntrySignatures: false,
    plugins: [withoutChildProcesses, codecsFromTheirPackage, asciiOnly],
    // Other packages are not bundled, because they load files relative to their own. Dependencies
    // of a bundled package are bundled with it.
    external: (id, importer) =>
      /^[@a-z]/.test(id) && !bundledPackages.test(id) && !importer?.includes("node_modules"),
  });
  const aside = await mkdtemp(`${target}-`);
  try {
    const { output } = await build.write({
      ...{ dir: aside, comments: false, banner: licensesOf },
      codeSplitting: { includeDependenciesRecursively: false, groups: [COMMAND] },
    });
    const files = output.map(({ fileName }) => fileName);
    await placeBundle(aside, target, files, inputs);
  } finally {
    await build.close();
    await rm(aside, { recursive: true, force: true });
  }
}

/** The licences of bundled packages must be with their code. */
async function licensesOf({ moduleIds }) {
  const names = moduleIds.flatMap(
    (id) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? [],
  );
  const texts = [...new Set(names)].sort().map(async (name) => {
    const text = await readFile(join(root, "node_modules", name, "LICENSE"), "utf8");
    return `/*! Parts of this are ${name}:\n\n${text.trim()}\n*/`;
  });
  return (await Promise.all(texts)).join("\n");
}
