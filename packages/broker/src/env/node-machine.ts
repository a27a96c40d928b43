import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Machine } from "./env.ts";

export const nodeMachine: Machine = {
  memoryBytes() {
    // Without a limit this is 0, or a number above the memory of any machine.
    const limit = process.constrainedMemory();
    return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  },

  openFilesMax() {
    try {
      const line = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
      return line === null ? null : Number(line[1]);
    } catch {
      return null;
    }
  },
};
