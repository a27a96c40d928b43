import { type Coming, Occasion } from "../util/coming.ts";
import type { MetadataFollower } from "./metadata-follower.ts";

interface Parts {
  readonly follower: MetadataFollower;
  /** Asks the controller how far its log reaches; null when it can't be asked. */
  readonly askEnd: () => Promise<number | null>;
}

/**
 * Reads all that the controller has decided by now, for requests that speak of more than is known
 * here: their clients may have heard of it from a broker that is ahead of this one.
 *
 * One question is asked at a time, and none of those who come later is served by one that was asked
 * before they came.
 */
export class CatchUp {
  readonly #parts: Parts;
  #asking: Promise<number | null> | null = null;
  #next: Promise<number | null> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): Coming {
    const { follower } = this.#parts;
    const read = new Occasion();
    void this.#ask().then((end) => {
      const reaching = end === null ? null : follower.reaching(end);
      if (reaching === null) read.end();
      else reaching.onOver(() => read.end());
    });
    return new Reading(read, follower);
  }

  #ask(): Promise<number | null> {
    if (this.#asking === null) return this.#askNow();
    this.#next ??= this.#asking.then(() => this.#askNow());
    return this.#next;
  }

  #askNow(): Promise<number | null> {
    const asking = this.#parts.askEnd().finally(() => {
      if (this.#asking === asking) this.#asking = null;
    });
    this.#asking = asking;
    this.#next = null;
    return asking;
  }
}

/**
 * Whoever waits looks at each image that is shown meanwhile. It may be the one: what comes later
 * would find it so, and be served first.
 */
class Reading implements Coming {
  readonly #read: Occasion;
  readonly #follower: MetadataFollower;

  constructor(read: Occasion, follower: MetadataFollower) {
    this.#read = read;
    this.#follower = follower;
  }

  get isOver(): boolean {
    return this.#read.isOver;
  }

  onOver(wake: () => void): void {
    let isAwake = false;
    const once = () => {
      if (!isAwake) wake();
      isAwake = true;
    };
    this.#read.onOver(once);
    this.#follower.nextImage.onOver(once);
  }
}
