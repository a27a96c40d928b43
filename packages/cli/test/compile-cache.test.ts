import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import module from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/harness/temp.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../bin/tarpan.js", import.meta.url));
const hasCompileCache = "enableCompileCache" in module;

async function version(env: NodeJS.ProcessEnv): Promise<void> {
  const { PATH } = process.env;
  const { stdout, stderr } = await run(process.execPath, [program, "--version"], {
    env: { PATH, ...env },
    timeout: 20_000,
  });
  expect(stdout).toMatch(/^tarpan \d/);
  expect(stderr).toBe("");
}

test("a directory for caches that is missing or not given is no error", async () => {
  await version({});
  await version({ XDG_CACHE_HOME: "/proc/missing" });
  await version({ HOME: "/missing" });
});

test("compiled code is kept in the user's caches", async (context) => {
  if (!hasCompileCache) context.skip("only Node.js 22.8 and later have a compile cache");
  const caches = await temporaryDirectory();
  await version({ XDG_CACHE_HOME: caches });
  expect(await readdir(join(caches, "tarpan"))).not.toHaveLength(0);
});
