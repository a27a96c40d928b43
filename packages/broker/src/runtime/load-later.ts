// What a start need not wait for and a broker that runs must have. An installation or an upgrade
// takes the files of the version that runs away, and what was not loaded by then never can be.
import { compress } from "@tarpan/codecs";
import type { Timer, Timers } from "../env/env.ts";
import { loadRe2 } from "../groups/model/regex/topic-pattern.ts";
import { importPromClient } from "../http/metrics-page.ts";
import type { Logger } from "../logging/logger.ts";

/** From the start on: the first requests of clients shall not wait behind a module. */
const LOAD_DELAY_MS = 1_000;

export interface LaterPart {
  readonly name: string;
  load(): Promise<unknown>;
}

const ZSTD = 4;

/** The other codecs have a substitute of our own. */
const PARTS: readonly LaterPart[] = [
  { name: "metrics", load: importPromClient },
  { name: "zstd", load: async () => compress(ZSTD, new Uint8Array(0)) },
  { name: "regular expressions", load: async () => loadRe2() },
];

/**
 * Loads one after another in the background and logs what fails; ends with the timer it returns.
 */
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
