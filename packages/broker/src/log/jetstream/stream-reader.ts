// Reads a stream in order. Any replica may answer a direct get, even one that lags or has lost
// messages. So if messages are missing in its answer, the Raft leader is asked too.
import { LogError } from "../log-error.ts";
import {
  LAGGING_READ_WAITS_MS,
  LEADER_ASKED_MS,
  READ_BYTES,
  READ_LEADER_TIMEOUT_MS,
  READ_MESSAGES,
} from "./limits.ts";
import { infoReaching, type ShorterStreamParts } from "./shorter-stream.ts";
import type { StreamApi, StreamInfo } from "./stream-api.ts";
import type { StoredMessage } from "./transport.ts";

export class StreamReader {
  readonly stream: string;
  readonly #api: StreamApi;
  readonly #parts: ShorterStreamParts;

  constructor(parts: ShorterStreamParts) {
    this.#parts = parts;
    this.#api = parts.api;
    this.stream = parts.stream;
  }

  /** See shorter-stream.ts. */
  infoReaching(known: number): Promise<StreamInfo> {
    return infoReaching(this.#parts, known);
  }

  /**
   * Messages from `sequence` on, without a gap between them. If the first one has a higher
   * sequence, the messages before it are gone. `known` is the last sequence known to be committed:
   * the result is never empty when `sequence <= known`. Rejects with LogError `offline` when
   * committed messages are missing, or no server has answered for READ_PATIENCE_MS.
   */
  async read(
    sequence: number,
    known: number,
    maxBytes = READ_BYTES,
  ): Promise<readonly StoredMessage[]> {
    const bytes = Math.max(1, Math.min(maxBytes, READ_BYTES));
    for (let attempt = 0; ; attempt++) {
      const found = await this.#api.readDirect(this.stream, {
        sequence,
        messages: READ_MESSAGES,
        bytes,
      });
      if (found?.[0]?.sequence === sequence) return untilGap(found);
      if (found?.length === 0 && sequence > known) return found;
      if (found && found.length > 0) return this.#confirmGap(sequence, known, found);
      const waitMs = LAGGING_READ_WAITS_MS[attempt];
      if (waitMs === undefined) break;
      await this.#api.wait(waitMs);
    }
    if (sequence > known) return [];
    return this.#fromLeader(sequence, known);
  }

  wait(delayMs: number): Promise<void> {
    return this.#api.wait(delayMs);
  }

  /** The Raft leader's first message from `sequence` on; tried once, for LEADER_ASKED_MS. */
  nextOfLeader(sequence: number): Promise<StoredMessage | null> {
    return this.#api.next(this.stream, sequence, LEADER_ASKED_MS);
  }

  async #confirmGap(
    sequence: number,
    known: number,
    found: readonly StoredMessage[],
  ): Promise<readonly StoredMessage[]> {
    const next = await this.#next(sequence);
    if (next === null) return this.#fromLeader(sequence, known);
    return next.sequence === found[0]!.sequence ? untilGap(found) : [next];
  }

  async #fromLeader(sequence: number, known: number): Promise<readonly StoredMessage[]> {
    const next = await this.#next(sequence);
    if (next) return [next];
    if (sequence > known) return [];
    await this.infoReaching(known);
    const again = await this.#next(sequence);
    if (again) return [again];
    throw new LogError("offline", this.#lost(sequence, known));
  }

  #next(sequence: number): Promise<StoredMessage | null> {
    const ask = () => this.#api.next(this.stream, sequence);
    return this.#api.patiently(ask, READ_LEADER_TIMEOUT_MS);
  }

  #lost(sequence: number, known: number): string {
    const what = `stream ${this.stream}: messages ${sequence} to ${known} are lost`;
    return `${what}: restore the stream from a backup, or delete the topic`;
  }
}

/** The messages before the first gap. The next read begins at the gap and confirms it. */
function untilGap(messages: readonly StoredMessage[]): readonly StoredMessage[] {
  const first = messages[0]!.sequence;
  const gap = messages.findIndex(({ sequence }, i) => sequence !== first + i);
  return gap < 0 ? messages : messages.slice(0, gap);
}
