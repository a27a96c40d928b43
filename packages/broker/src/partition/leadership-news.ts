import type { Env, Timer } from "../env/env.ts";
import type { LogId } from "../log/log.ts";
import type { Logger } from "../logging/logger.ts";
import { LEADERSHIP_NEWS_INTERVAL_MS } from "./limits.ts";

const NAMES_SHOWN = 3;

/**
 * Says which partitions this broker leads from now on and which no more: one line now and then, for
 * a broker's death moves hundreds. Each of them is told at debug.
 */
export class LeadershipNews {
  readonly #timers: Env["timers"];
  readonly #logger: Logger;
  #taken: LogId[] = [];
  #given: LogId[] = [];
  #opening = 0;
  #timer: Timer | undefined;

  constructor(timers: Env["timers"], logger: Logger) {
    this.#timers = timers;
    this.#logger = logger;
  }

  /** A partition is being taken over; `ended` is called when that is done, or has failed. */
  begins(): void {
    this.#opening += 1;
    this.#tellLater();
  }

  ended(): void {
    this.#opening -= 1;
  }

  taken(id: LogId, leaderEpoch: number): void {
    this.#taken.push(id);
    this.#each("cluster: this broker leads a partition from now on", id, leaderEpoch);
  }

  given(id: LogId, leaderEpoch: number): void {
    this.#given.push(id);
    this.#each("cluster: another broker leads a partition", id, leaderEpoch);
  }

  /** Tells what is left to be told. */
  close(): void {
    this.#timer?.cancel();
    this.#tell();
  }

  #each(message: string, { topic, partition }: LogId, leaderEpoch: number): void {
    this.#logger.debug(message, { topic, partition, leaderEpoch });
    this.#tellLater();
  }

  #tellLater(): void {
    this.#timer ??= this.#timers.after(LEADERSHIP_NEWS_INTERVAL_MS, () => {
      this.#timer = undefined;
      this.#tell();
      if (this.#opening > 0) this.#tellLater();
    });
  }

  #tell(): void {
    const [taken, given] = [this.#taken, this.#given];
    this.#taken = [];
    this.#given = [];
    if (given.length > 0) {
      this.#logger.info(`cluster: this broker leads ${counted(given)} no more`, namesOf(given));
    }
    if (taken.length > 0) {
      const fields = { ...namesOf(taken), stillToTakeOver: this.#opening };
      this.#logger.info(`cluster: this broker leads ${counted(taken, "more ")}`, fields);
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
