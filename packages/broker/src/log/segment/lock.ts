// Allows one broker per data directory. Node has no flock, so a broker creates a lock file whose
// name tells its process: the id, and the start of that process, because ids are reused. The file
// is empty, so a crash cannot leave it half written.
//
// 1. A broker creates its own lock file first and then looks for others. Of two brokers that start
//    at the same time at least one sees the other; it may happen that both do and both give up.
// 2. A broker removes another one's lock file only when that process no longer runs.
//
// Processes in different containers cannot see each other's ids. If they share a directory, the
// orchestrator must make sure that only one broker uses it.
import { join } from "node:path";
import type { Env } from "../../env/env.ts";
import { codeOf, reasonOf } from "../../util/os-error.ts";
import { DataDirectoryError } from "./directory-error.ts";

const LOCK_FILE = /^\.lock-(\d+)-([A-Za-z0-9.]+)$/;

/**
 * Locks the directory; resolves to the function that unlocks it. Rejects with
 * TARPAN_DATA_DIRECTORY_IN_USE or TARPAN_DATA_DIRECTORY_UNWRITABLE.
 */
export async function lockDirectory(
  directory: string,
  { fs, processes }: Pick<Env, "fs" | "processes">,
): Promise<() => Promise<void>> {
  const ownLife = (await processes.lifeOf(processes.ownId)) ?? "alive";
  const own = `.lock-${processes.ownId}-${ownLife}`;
  try {
    const file = await fs.open(join(directory, own), { create: true, exclusive: true });
    await file.close();
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw inUse(directory, processes.ownId);
    throw new DataDirectoryError(
      "TARPAN_DATA_DIRECTORY_UNWRITABLE",
      `cannot write to data directory ${directory}: ${reasonOf(error)}`,
      error,
    );
  }
  const release = () => fs.remove(join(directory, own));
  try {
    await expectNoOther(directory, own, { fs, processes });
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}

/** Rejects if another living process holds a lock; removes the lock files of dead processes. */
async function expectNoOther(
  directory: string,
  own: string,
  { fs, processes }: Pick<Env, "fs" | "processes">,
): Promise<void> {
  for (const name of await fs.list(directory)) {
    const lock = LOCK_FILE.exec(name);
    if (!lock || name === own) continue;
    const processId = Number(lock[1]);
    if ((await processes.lifeOf(processId)) === lock[2]) throw inUse(directory, processId);
    await fs.remove(join(directory, name));
  }
}

function inUse(directory: string, processId: number): DataDirectoryError {
  return new DataDirectoryError(
    "TARPAN_DATA_DIRECTORY_IN_USE",
    `data directory ${directory} is in use by process ${processId}: ` +
      "stop that process, or use another directory",
  );
}
