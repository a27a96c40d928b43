// One broker per data directory. Node has no flock, so an owner is a file whose name says which
// life of which process it is; a name needs no content that a crash could tear.
//
// 1. A claim is put up first and the others are looked at second, so of two brokers that start
//    together at least one sees the other. It may happen that both do and both give up.
// 2. Only claims of processes that no longer live are removed by others.
//
// Processes in different containers that share a directory cannot see each other's ids: there the
// orchestrator has to keep a second broker away.
import { join } from "node:path";
import type { Env } from "../../env/env.ts";
import { codeOf, reasonOf } from "../../util/os-error.ts";
import { DataDirectoryError } from "./directory-error.ts";

const CLAIM = /^\.lock-(\d+)-([A-Za-z0-9.]+)$/;

/** Takes the directory or rejects with TARPAN_DATA_DIRECTORY_IN_USE. Returns how to let go. */
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

/** Removes the claims of those who live no more. */
async function expectNoOther(
  directory: string,
  own: string,
  { fs, processes }: Pick<Env, "fs" | "processes">,
): Promise<void> {
  for (const name of await fs.list(directory)) {
    const claim = CLAIM.exec(name);
    if (!claim || name === own) continue;
    const processId = Number(claim[1]);
    if ((await processes.lifeOf(processId)) === claim[2]) throw inUse(directory, processId);
    await fs.remove(join(directory, name));
  }
}

function inUse(directory: string, processId: number): DataDirectoryError {
  return new DataDirectoryError(
    "TARPAN_DATA_DIRECTORY_IN_USE",
    `data directory ${directory} is in use by process ${processId}`,
  );
}
