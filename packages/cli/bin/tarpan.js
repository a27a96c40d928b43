#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";

// Request buffers lie outside a heap that is small itself, and V8 collects whenever they have grown
// by as much as the heap: 20 full collections a second under load. This makes it wait longer. Only
// a process of our own may be set so, never one that embeds a broker.
setFlagsFromString("--heap-growing-percent=400");

// Keeps the compiled code for the next start (Node.js 22.8 and later). Not in the system's temporary
// directory, where other users could place code. Where the user has no directory for caches, nothing
// is kept, and nothing fails.
const { XDG_CACHE_HOME, HOME } = process.env;
const caches = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
if (caches && existsSync(caches)) module.enableCompileCache?.(join(caches, "tarpan"));

const main = new URL("../dist/bundle/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error("tarpan: not built yet: run npm install && npm run build in the repository first");
  process.exitCode = 1;
}
