import type { SeededRandom } from "./seeded-random.ts";

/** What the disk in memory writes down of each thing done to it. */
export type Change =
  | { kind: "write"; node: number; position: number; bytes: Uint8Array; durable: boolean }
  | { kind: "truncate"; node: number; sizeBytes: number }
  | { kind: "sync"; node: number }
  | { kind: "make" | "remove"; path: string; node: number | null }
  | { kind: "rename"; path: string; to: string }
  | { kind: "syncDirectory"; path: string };

/** What a crash does to changes that were not synced. */
export type Crash =
  /** The process dies, the machine lives on: everything stays. */
  | { kind: "process" }
  /** Everything that was not synced is gone. */
  | { kind: "power" }
  /** Each unsynced piece of 512 bytes is there or not. */
  | { kind: "torn"; random: SeededRandom };

/** Says of each change of a name whether it survives. */
export function survivingNames(made: readonly Change[], crash: Crash): (at: number) => boolean {
  if (crash.kind === "process") return () => true;
  const reached = crash.kind === "torn" ? crash.random.below(made.length + 1) : 0;
  const lastSync = new Map<string, number>();
  for (const [i, change] of made.entries())
    if (change.kind === "syncDirectory") lastSync.set(change.path, i);
  return (at) => {
    const change = made[at]!;
    return "path" in change && (at < reached || at < (lastSync.get(parentOf(change.path)) ?? -1));
  };
}

/** Position in `made` of the last sync of each file. */
export function lastSyncs(made: readonly Change[]): Map<number, number> {
  const last = new Map<number, number>();
  for (const [i, change] of made.entries()) if (change.kind === "sync") last.set(change.node, i);
  return last;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
