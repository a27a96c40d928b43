import { RefusedRequest } from "../server/refused-request.ts";

/** Log-ins that wait for their turn, of one address and of all, at most. */
export const MAX_WAITING_OF_ADDRESS = 1_000;
export const MAX_WAITING = 10_000;

interface Waiting {
  readonly begin: () => void;
  readonly refuse: (error: RefusedRequest) => void;
}

/**
 * Does one piece of work at a time, for one address after another: who asks again and again waits
 * for its own turns. Of one address the newest comes first. When more clients log in than can be
 * served, the oldest have given up and come again: in the order they came, only those that are gone
 * would be served. When too many wait, the oldest of the address is cut off: a client that logs in
 * and closes its connection, again and again, must not fill the memory.
 */
export class FairTurns {
  #busy = false;
  /** The next address is the first. */
  readonly #waiting = new Map<string, Waiting[]>();
  #count = 0;

  /** Rejects with RefusedRequest if too many wait. */
  async run<T>(address: string, work: () => Promise<T>): Promise<T> {
    if (this.#busy) {
      await new Promise<void>((begin, refuse) => this.#add(address, { begin, refuse }));
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #add(address: string, one: Waiting): void {
    const ofAddress = this.#waiting.get(address) ?? [];
    ofAddress.push(one);
    this.#waiting.set(address, ofAddress);
    this.#count++;
    if (ofAddress.length <= MAX_WAITING_OF_ADDRESS && this.#count <= MAX_WAITING) return;
    const oldest = ofAddress.shift()!;
    this.#count--;
    if (ofAddress.length === 0) this.#waiting.delete(address);
    // A client that is cut off tries again; one that is told of a failed authentication gives up.
    const why = "too many log-ins wait until their passwords are checked";
    oldest.refuse(new RefusedRequest("authentication", why));
  }

  #passOn(): void {
    const next = this.#waiting.entries().next().value;
    if (next === undefined) {
      this.#busy = false;
      return;
    }
    const [address, ofAddress] = next;
    const { begin } = ofAddress.pop()!;
    this.#count--;
    this.#waiting.delete(address);
    if (ofAddress.length > 0) this.#waiting.set(address, ofAddress);
    begin();
  }
}
