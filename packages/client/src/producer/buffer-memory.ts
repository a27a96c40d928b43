import { ClientError } from "../errors.ts";
import { WaitingCalls } from "./waiting-calls.ts";

/** A call that waits for memory. */
export interface MemoryCall {
  readonly bytes: number;
  /** Called once: with null when the memory is reserved, else with the reason why it is not. */
  settle(refusal: Error | null): void;
}

/**
 * The memory that a producer's records may take, as Kafka's BufferPool: calls wait for it in their
 * order, a small one behind a large one too. While at most half is used, a call of any size gets
 * what it asks for: so every call does in the end.
 */
export class BufferMemory {
  readonly #limitBytes: number;
  readonly #maxBlockMs: number;
  readonly #waiting: WaitingCalls<MemoryCall>;
  #usedBytes = 0;
  #granting = false;
  #whenReady: (() => void)[] = [];

  constructor(limitBytes: number, maxBlockMs: number) {
    this.#limitBytes = limitBytes;
    this.#maxBlockMs = maxBlockMs;
    this.#waiting = new WaitingCalls(maxBlockMs, (call) => {
      call.settle(this.#full());
      this.#grant();
    });
  }

  /** Whether the bytes were reserved. If not, the call can wait for them. */
  take(bytes: number): boolean {
    if (this.#waiting.first !== undefined || !this.#hasRoom(bytes)) return false;
    this.#usedBytes += bytes;
    return true;
  }

  /** Waits for `maxBlockMs`; throws TARPAN_BUFFER_FULL if that is 0. */
  wait(call: MemoryCall): void {
    if (this.#maxBlockMs === 0) throw this.#full();
    this.#waiting.push(call);
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#grant();
    if (this.#isReady) for (const resolve of this.#whenReady.splice(0)) resolve();
  }

  /** Resolves while at most half is used and no call waits. */
  ready(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    return new Promise((resolve) => this.#whenReady.push(resolve));
  }

  get #isReady(): boolean {
    return this.#waiting.first === undefined && this.#usedBytes <= this.#limitBytes / 2;
  }

  #hasRoom(bytes: number): boolean {
    const usedBytes = this.#usedBytes;
    return usedBytes <= this.#limitBytes / 2 || usedBytes + bytes <= this.#limitBytes;
  }

  /** A call that is granted may release memory at once: the loop then goes on with the next. */
  #grant(): void {
    if (this.#granting) return;
    this.#granting = true;
    for (;;) {
      const { first } = this.#waiting;
      if (first === undefined || !this.#hasRoom(first.bytes)) break;
      this.#waiting.shift();
      this.#usedBytes += first.bytes;
      first.settle(null);
    }
    this.#granting = false;
  }

  #full(): ClientError {
    const [used, limit, blockMs] = [this.#usedBytes, this.#limitBytes, this.#maxBlockMs].map((n) =>
      n.toLocaleString("en-US"),
    );
    const waited = this.#maxBlockMs === 0 ? "" : `, and did not empty within ${blockMs} ms`;
    return new ClientError(
      "TARPAN_BUFFER_FULL",
      `the producer's buffer is full: ${used} of ${limit} bytes wait for the brokers${waited}; send ` +
        "less at once (await ready()), or raise bufferMemoryBytes or maxBlockMs",
      { retriable: true },
    );
  }
}
