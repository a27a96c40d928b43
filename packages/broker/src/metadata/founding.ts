import type { MetadataRecord } from "./records.ts";

/** What the metadata of a new cluster begins with. */
export interface Founding {
  /** Why it can't begin with that; null if it can. */
  readonly problem: Error | null;
  /** The first records of the log, taken when they are about to be appended. */
  take(): readonly MetadataRecord[];
}
