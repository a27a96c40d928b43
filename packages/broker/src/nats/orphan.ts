import { join } from "node:path";
import type { Env } from "../env/env.ts";
import { pause } from "../util/pause.ts";
import { EngineError } from "./engine-error.ts";
import { readText } from "./files.ts";
import { KILL_LIMIT_MS } from "./limits.ts";
import { CONFIG_FILE, PID_FILE } from "./server-config.ts";

const POLL_MS = 20;

/**
 * Kills a nats-server that an earlier broker left running on this directory. The caller holds the
 * lock of the data directory, so no living broker owns the server. Resolves to its process id, null
 * if there was none.
 */
export async function endOrphan(
  directory: string,
  { fs, programs, timers }: Pick<Env, "fs" | "programs" | "timers">,
): Promise<number | null> {
  const path = join(directory, PID_FILE);
  const text = await readText(fs, path);
  if (text === null) return null;
  const processId = Number(text);
  // Another process may have this id by now.
  const isOurs = async () => {
    const words = await programs.commandLineOf(processId);
    return words?.includes(join(directory, CONFIG_FILE)) ?? false;
  };
  if (!Number.isSafeInteger(processId) || processId < 2 || !(await isOurs())) {
    await fs.remove(path);
    return null;
  }
  programs.signal(processId, "SIGKILL");
  for (let waitedMs = 0; await isOurs(); waitedMs += POLL_MS) {
    if (waitedMs > KILL_LIMIT_MS)
      throw new EngineError(
        "TARPAN_NATS_SERVER_FAILED",
        `the nats-server of an earlier broker can't be killed: end process ${processId}`,
      );
    await pause(timers, POLL_MS);
  }
  await fs.remove(path);
  return processId;
}
