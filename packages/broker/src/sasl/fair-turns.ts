import { RefusedRequest } from "../server/refused-request.ts";

/** Log-ins that wait for their turn, of one address and of all, at most. */
export const MAX_WAITING_OF_ADDRESS = 1_000;
export const MAX_WAITING = 10_000;

const MIB = 1024 * 1024;
/** What they may hold meanwhile, bytes. Log-ins have some hundred, and may have 512 KiB. */
export const MAX_WAITING_BYTES_OF_ADDRESS = 2 * MIB;
export const MAX_WAITING_BYTES = 16 * MIB;

/** Who waits until its password is checked. */
export interface WaitingClient {
  readonly address: string;
  /** What it sent, which is held meanwhile. */
  readonly heldBytes: number;
}

/** Those of an address that wait; the oldest one is the first. */
interface Queue {
  readonly waiting: Waiting[];
  bytes: number;
}

interface Waiting extends Pick<WaitingClient, "heldBytes"> {
  readonly begin: () => void;
  readonly refuse: (error: RefusedRequest) => void;
}

/**
 * Does one piece of work at a time, for one address after another: who asks again and again waits
 * for its own turns. Of one address the newest comes first. When more clients log in than can be
 * served, the oldest have given up and come again: in the order they came, only those that are gone
 * would be served. When too many wait, or hold too much, the oldest of the address are cut off: a
 * client that logs in and closes its connection, again and again, must not fill the memory.
 */
export class FairTurns {
  #busy = false;
  /** The next address is the first. */
  readonly #queues = new Map<string, Queue>();
  #count = 0;
  #bytes = 0;

  /** Rejects with RefusedRequest if too many wait. */
  async run<T>({ address, heldBytes }: WaitingClient, work: () => Promise<T>): Promise<T> {
    if (this.#busy) {
      await new Promise<void>((begin, refuse) => this.#add(address, { heldBytes, begin, refuse }));
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #add(address: string, one: Waiting): void {
    const queue = this.#queues.get(address) ?? { waiting: [], bytes: 0 };
    queue.waiting.push(one);
    this.#queues.set(address, queue);
    this.#count++;
    queue.bytes += one.heldBytes;
    this.#bytes += one.heldBytes;
    while (queue.waiting.length > 0 && this.#hasTooMuch(queue)) {
      const oldest = queue.waiting.shift()!;
      this.#uncount(queue, oldest);
      // A client that is cut off tries again; one told of a failed authentication gives up.
      const why = "too many log-ins wait until their passwords are checked";
      oldest.refuse(new RefusedRequest("authentication", why));
    }
    if (queue.waiting.length === 0) this.#queues.delete(address);
  }

  #hasTooMuch({ waiting, bytes }: Queue): boolean {
    if (waiting.length > MAX_WAITING_OF_ADDRESS || this.#count > MAX_WAITING) return true;
    return bytes > MAX_WAITING_BYTES_OF_ADDRESS || this.#bytes > MAX_WAITING_BYTES;
  }

  #uncount(queue: Queue, { heldBytes }: Waiting): void {
    this.#count--;
    queue.bytes -= heldBytes;
    this.#bytes -= heldBytes;
  }

  #passOn(): void {
    const next = this.#queues.entries().next().value;
    if (next === undefined) {
      this.#busy = false;
      return;
    }
    const [address, queue] = next;
    const newest = queue.waiting.pop()!;
    this.#uncount(queue, newest);
    this.#queues.delete(address);
    if (queue.waiting.length > 0) this.#queues.set(address, queue);
    newest.begin();
  }
}
