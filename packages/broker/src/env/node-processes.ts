import { readFile } from "node:fs/promises";
import type { Processes } from "./env.ts";

/** Positions in /proc/<pid>/stat after the command name, see proc_pid_stat(5). */
const STATE_FIELD = 0;
const START_TIME_FIELD = 19;
/**
 * States of a dead process. A zombie stays until its parent waits for it: for ever in a container
 * whose first process never does.
 */
const ENDED = ["Z", "X", "x"];

/** Processes of this machine. Without /proc two lives with the same id can't be told apart. */
export const nodeProcesses: Processes = {
  ownId: process.pid,
  async lifeOf(processId) {
    if (!isAlive(processId)) return null;
    try {
      const [stat, boot] = await Promise.all([
        readFile(`/proc/${processId}/stat`, "latin1"),
        readFile("/proc/sys/kernel/random/boot_id", "latin1"),
      ]);
      // The command name may hold spaces and parentheses; the last ")" ends it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (ENDED.includes(fields[STATE_FIELD]!)) return null;
      return `${fields[START_TIME_FIELD]}.${boot.slice(0, 8)}`;
    } catch {
      return "alive";
    }
  },
};

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: the process lives and belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
