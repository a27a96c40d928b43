import type { Env, Timer } from "../env/env.ts";
import type { LogId } from "../log/log.ts";
import type { Logger } from "../logging/logger.ts";
import { LEADERSHIP_CHANGES_INTERVAL_MS } from "./limits.ts";

const NAMES_SHOWN = 3;

/**
 * Logs which partitions this broker starts and stops leading: one line per interval, because the
 * death of a broker moves hundreds of partitions. At level debug each partition has a line.
 */
export class LeadershipChanges {
  readonly #timers: Env["timers"];
  readonly #logger: Logger;
  #gained: LogId[] = [];
  #lost: LogId[] = [];
  #opening = 0;
  #timer: Timer | undefined;

  constructor(timers: Env["timers"], logger: Logger) {
    this.#timers = timers;
    this.#logger = logger;
  }

  /** Call `takeOverEnded` when it has succeeded or failed. */
  takeOverBegan(): void {
    this.#opening += 1;
    this.#logLater();
  }

  takeOverEnded(): void {
    this.#opening -= 1;
  }

  gained(id: LogId, leaderEpoch: number): void {
    this.#gained.push(id);
    this.#each("cluster: this broker now leads a partition", id, leaderEpoch);
  }

  lost(id: LogId, leaderEpoch: number): void {
    this.#lost.push(id);
    this.#each("cluster: another broker now leads a partition", id, leaderEpoch);
  }

  /** Logs what was not logged yet. */
  close(): void {
    this.#timer?.cancel();
    this.#log();
  }

  #each(message: string, { topic, partition }: LogId, leaderEpoch: number): void {
    this.#logger.debug(message, { topic, partition, leaderEpoch });
    this.#logLater();
  }

  #logLater(): void {
    this.#timer ??= this.#timers.after(LEADERSHIP_CHANGES_INTERVAL_MS, () => {
      this.#timer = undefined;
      this.#log();
      if (this.#opening > 0) this.#logLater();
    });
  }

  #log(): void {
    const [gained, lost] = [this.#gained, this.#lost];
    this.#gained = [];
    this.#lost = [];
    if (lost.length > 0) {
      this.#logger.info(`cluster: this broker no longer leads ${counted(lost)}`, namesOf(lost));
    }
    if (gained.length > 0) {
      const fields = { ...namesOf(gained), stillToTakeOver: this.#opening };
      this.#logger.info(`cluster: this broker leads ${counted(gained, "more ")}`, fields);
    }
  }
}

function counted({ length }: readonly LogId[], more = ""): string {
  return length === 1 ? `1 ${more}partition` : `${length} ${more}partitions`;
}

function namesOf(ids: readonly LogId[]): { partitions: string } {
  const names = ids.slice(0, NAMES_SHOWN).map(({ topic, partition }) => `${topic}-${partition}`);
  return { partitions: names.join(", ") + (ids.length > NAMES_SHOWN ? " …" : "") };
}
