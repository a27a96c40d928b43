import { atFileEnd } from "./file-end.ts";
import { run } from "./run.ts";
import { temporaryDirectory } from "./temp.ts";

/**
 * Mounts a file system in memory, for tests of full and read-only disks; null if that is not
 * permitted.
 */
export async function mountTmpfs(options: string): Promise<string | null> {
  const path = await temporaryDirectory();
  const args = ["-t", "tmpfs", "-o", options, "tarpan-test", path];
  const { code } = await run("mount", args).catch(() => ({ code: 1 }));
  if (code !== 0) return null;
  atFileEnd(() => run("umount", ["-l", path]));
  return path;
}
