// Installs and builds: what `npm run check` needs on a clean checkout.

import { build, exitOnFailure, install, requireNode } from "./lib/steps.mjs";

requireNode();
await exitOnFailure(async () => {
  await install();
  await build();
});
