// Installs and builds, as `npm run check` needs it on a clean checkout.

import { build, exitOnFailure, install, requireNode } from "./lib/steps.mjs";

requireNode();
await exitOnFailure(async () => {
  await install();
  await build();
});
