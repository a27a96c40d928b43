import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/** A process of this machine, from /proc. */
export interface FoundProcess {
  readonly pid: number;
  readonly program: string;
  readonly commandLine: string;
}

const CHECK_PAUSE_MS = 50;

/**
 * The processes whose command line contains `text`, such as the path of a data directory. Linux
 * only.
 */
export function processesNaming(text: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const words = wordsOf(pid);
    const commandLine = words.join(" ");
    if (!commandLine.includes(text)) continue;
    found.push({ pid, program: basename(words[0]!), commandLine });
  }
  return found;
}

/** Waits for processes to end. Resolves to those that still run at the time limit. */
export async function remaining(text: string, limitMs: number): Promise<FoundProcess[]> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const left = processesNaming(text);
    if (left.length === 0 || performance.now() > limit) return left;
    await new Promise((resolve) => setTimeout(resolve, CHECK_PAUSE_MS));
  }
}

/** Sends a signal; false if the process has ended already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    // The process has ended since it was listed.
    return [];
  }
}
