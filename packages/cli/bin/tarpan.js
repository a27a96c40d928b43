#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/bundle/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error("tarpan: not built yet: run npm install && npm run build in the repository first");
  process.exitCode = 1;
}
