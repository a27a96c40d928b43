// Loads modules that a start need not wait for. They must be loaded soon after it, even if nothing
// uses them yet: an upgrade deletes the files of the running version.
import { compress, loadCrc32c } from "@tarpan/codecs";
import type { Timer, Timers } from "../env/env.ts";
import { loadRe2 } from "../groups/model/regex/topic-pattern.ts";
import { importPromClient } from "../http/metrics-page.ts";
import type { Logger } from "../logging/logger.ts";

/** After the start. Loading blocks the event loop, and would delay the first requests. */
const LOAD_DELAY_MS = 1_000;

export interface LaterPart {
  readonly name: string;
  load(): Promise<unknown>;
}

const ZSTD = 4;

/** Of the codecs only zstd: the others have an implementation in Tarpan that needs no package. */
const PARTS: readonly LaterPart[] = [
  { name: "checksums", load: async () => loadCrc32c() },
  { name: "metrics", load: importPromClient },
  { name: "zstd", load: async () => compress(ZSTD, new Uint8Array(0)) },
  { name: "regular expressions", load: async () => loadRe2() },
];

/** Loads the parts one after another and logs failures. Cancel the timer to load none. */
export function loadLater(timers: Timers, logger: Logger, parts = PARTS): Timer {
  return timers.after(LOAD_DELAY_MS, async () => {
    for (const { name, load } of parts) {
      try {
        await load();
      } catch (error) {
        const todo = "see that it is installed, then restart the broker";
        logger.error(`${name} can't be loaded`, { reason: (error as Error).message, todo });
      }
    }
    logger.debug("loaded what may be needed later", { parts: parts.map(({ name }) => name) });
  });
}
