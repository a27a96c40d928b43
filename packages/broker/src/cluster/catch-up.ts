import { Latch, type PendingLatch } from "../util/latch.ts";
import type { MetadataFollower } from "./metadata-follower.ts";

interface Parts {
  readonly follower: MetadataFollower;
  /** Asks the controller for the end offset of the metadata log; null when it can't be asked. */
  readonly askEnd: () => Promise<number | null>;
}

/**
 * Reads everything that the controller has decided by now. Used for requests that name something
 * unknown to this broker: their client may know it from a broker that is ahead of this one.
 *
 * Only one call to the controller is in progress at a time. A request that arrives during a call
 * waits for the next call: the answer to the first may be older than the request.
 */
export class CatchUp {
  readonly #parts: Parts;
  #asking: Promise<number | null> | null = null;
  #next: Promise<number | null> | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): PendingLatch {
    const { follower } = this.#parts;
    const read = new Latch();
    void this.#ask().then((end) => {
      const reaching = end === null ? null : follower.whenShown(end);
      if (reaching === null) read.open();
      else reaching.onOpen(() => read.open());
    });
    return new CatchingUp(read, follower);
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
 * Also wakes a waiting request at the next image, which may already hold what it needs. If it
 * waited until everything is read, requests that arrive later could be served before it.
 */
class CatchingUp implements PendingLatch {
  readonly #read: Latch;
  readonly #follower: MetadataFollower;

  constructor(read: Latch, follower: MetadataFollower) {
    this.#read = read;
    this.#follower = follower;
  }

  get isOpen(): boolean {
    return this.#read.isOpen;
  }

  onOpen(wake: () => void): void {
    let isAwake = false;
    const once = () => {
      if (!isAwake) wake();
      isAwake = true;
    };
    this.#read.onOpen(once);
    this.#follower.nextImage.onOpen(once);
  }
}
