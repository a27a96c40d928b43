/** For files that belong to neither: files that are being replaced, and the process's own. */
const SPARE_FILES = 256;
const POOLED_FILES = { least: 16, most: 512 };
const CONNECTIONS = { least: 64, most: 16_000 };

/** How the limit of open files is divided. */
export interface OpenFiles {
  /** Segment files in each of the two pools. */
  readonly pooled: number;
  readonly connections: number;
}

/** Divides the limit of the process; `max` is null if it isn't known. */
export function shareOpenFiles(max: number | null): OpenFiles {
  if (max === null) return { pooled: POOLED_FILES.most, connections: CONNECTIONS.most };
  const pooled = within(POOLED_FILES, Math.floor(max / 8));
  return { pooled, connections: within(CONNECTIONS, max - 2 * pooled - SPARE_FILES) };
}

function within({ least, most }: { least: number; most: number }, count: number): number {
  return Math.min(most, Math.max(least, count));
}
