import type { SeededRandom } from "./seeded-random.ts";

/** A change that the disk in memory remembers. */
export type Change =
  | { kind: "write"; node: number; position: number; bytes: Uint8Array; durable: boolean }
  | { kind: "truncate"; node: number; sizeBytes: number }
  | { kind: "sync"; node: number }
  /** The cache keeps what was written before, but no later sync makes it durable. */
  | { kind: "syncFailed"; node: number }
  | { kind: "make" | "remove"; path: string; node: number | null }
  | { kind: "rename"; path: string; to: string }
  | { kind: "syncDirectory"; path: string };

/** What a crash does to changes that were not synced. */
export type Crash =
  /** Only the process dies: every change stays. */
  | { kind: "process" }
  /** The machine loses power: every unsynced change is lost. */
  | { kind: "power" }
  /** The same, but each unsynced sector of 512 bytes may have been written. */
  | { kind: "torn"; random: SeededRandom };

/** Returns a function that says whether the change of a name at this position survives. */
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

/** Says whether a sync made the change at this position durable: the first one after it counts. */
export function syncedChanges(made: readonly Change[]): (at: number) => boolean {
  const isSynced: boolean[] = new Array(made.length).fill(false);
  const outcome = new Map<number, boolean>();
  for (let at = made.length - 1; at >= 0; at--) {
    const change = made[at]!;
    if (change.kind === "sync") outcome.set(change.node, true);
    else if (change.kind === "syncFailed") outcome.set(change.node, false);
    else if (change.kind === "write" || change.kind === "truncate")
      isSynced[at] = outcome.get(change.node) ?? false;
  }
  return (at) => isSynced[at]!;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
