import { rm } from "node:fs/promises";
import { afterAll } from "vitest";
import { run } from "./run.ts";
import { temporaryDirectory } from "./temp.ts";

/** A file system in memory of its own, for tests of full and read-only disks; null where not permitted. */
export async function mountTmpfs(options: string): Promise<string | null> {
  const path = await temporaryDirectory();
  const args = ["-t", "tmpfs", "-o", options, "tarpan-test", path];
  const { code } = await run("mount", args).catch(() => ({ code: 1 }));
  if (code !== 0) return null;
  mounted.push(path);
  return path;
}

const mounted: string[] = [];

afterAll(async () => {
  for (const path of mounted) {
    await run("umount", ["-l", path]);
    await rm(path, { recursive: true, force: true });
  }
});
