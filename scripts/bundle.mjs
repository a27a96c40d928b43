// Puts the command line into few files: a process that loads 250 modules one by one takes twice as
// long to its first acknowledged record (docs/adr/0004).

import { join } from "node:path";
import { rolldown } from "rolldown";
import { root } from "./lib/steps.mjs";

const bundle = await rolldown({
  input: join(root, "packages/cli/dist/main.js"),
  platform: "node",
  // Everything from the registry, and codecs, which finds its native modules from where it lies.
  external: (id) => /^[@a-z]/.test(id) && !/^@tarpan\/(broker|client|protocol)$/.test(id),
});
await bundle.write({ dir: join(root, "packages/cli/dist/bundle"), cleanDir: true });
await bundle.close();
