// Appends on their way: each expects the sequence of the one before it, so that all may be sent
// without waiting and yet land in order or not at all.
//
// 1. An append has its offsets from the call on, for good; its sequence may yet move, when messages
//    that are not the log (grammar.ts) took places.
// 2. Appends are settled from the head on only. An acknowledgement counts when it names the very
//    sequence that was expected and everything before it is settled: a later one proves nothing.
// 3. No answer is no failure. From the head on each is sent again, one by one, until it is known
//    (resolve-append.ts); then sending goes on as before.
// 4. What can't be is a bug or a broken promise of the servers: the log fails, loudly.
import { lastOffsetDeltaAt, maxTimestampAt, stampBatch, viewOf } from "@tarpan/protocol";
import type { Timers } from "../../env.ts";
import { Fifo } from "../fifo.ts";
import { LogError } from "../log.ts";
import { ownBatch } from "../own-batch.ts";
import { HEADER_BYTES, IN_FLIGHT_BYTES, IN_FLIGHT_MESSAGES } from "./limits.ts";
import { type BatchIdentity, batchMessageId } from "./message-id.ts";
import { resolveHead, type Verdict } from "./resolve-append.ts";
import type { StoredLog } from "./stored-log.ts";
import type { StreamApi } from "./stream-api.ts";
import type { OutgoingMessage, PublishOutcome } from "./transport.ts";

export interface Append extends BatchIdentity {
  readonly payload: Uint8Array;
  readonly maxTimestamp: number;
  sequence: number;
  isAcknowledged: boolean;
  resolve(baseOffset: number): void;
  reject(error: LogError): void;
}

export interface WindowParts {
  readonly api: StreamApi;
  readonly timers: Timers;
  readonly log: StoredLog;
  readonly subject: string;
  /** Called once appends were settled, before their callers go on. */
  readonly settled: () => void;
}

export class AppendWindow {
  readonly parts: WindowParts;
  /** In order; the first `#sent` are on their way. */
  #pending = new Fifo<Append>();
  #sent = 0;
  #sentBytes = 0;
  #nextOffset: number;
  #nextSequence: number;
  /** Answers to what was sent in an earlier round are not listened to. */
  #round = 0;
  #isResolving = false;
  #failure: LogError | null = null;
  #idle: (() => void)[] = [];

  constructor(parts: WindowParts) {
    this.parts = parts;
    this.#nextOffset = parts.log.endOffset;
    this.#nextSequence = parts.log.end.sequence + 1;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }
  get failure(): LogError | null {
    return this.#failure;
  }

  append(batch: Uint8Array, leaderEpoch: number): Promise<number> {
    if (this.#failure) return Promise.reject(this.#failure);
    const limitBytes = this.parts.api.transport.maxPayloadBytes - HEADER_BYTES;
    if (batch.length > limitBytes) {
      const message = `a batch of ${batch.length} bytes is over the servers' max_payload`;
      return Promise.reject(new LogError("too-large", `${message} (${limitBytes} for batches)`));
    }
    const baseOffset = this.#nextOffset;
    stampBatch(batch, 0, baseOffset, leaderEpoch);
    const view = viewOf(batch);
    const nextOffset = baseOffset + lastOffsetDeltaAt(view, 0) + 1;
    const maxTimestamp = maxTimestampAt(view, 0);
    this.#nextOffset = nextOffset;
    const sequence = this.#nextSequence++;
    const { writer } = this.parts.log.end;
    const payload = ownBatch(batch);
    return new Promise((resolve, reject) => {
      const isAcknowledged = false;
      this.#pending.items.push({
        ...{ writer, payload, baseOffset, nextOffset, maxTimestamp },
        ...{ sequence, isAcknowledged, resolve, reject },
      });
      this.#send();
    });
  }

  /** Resolves once nothing is pending. */
  idle(): Promise<void> {
    if (this.#pending.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Rejects all that is pending and all that comes. */
  fail(error: LogError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#round += 1;
    const rejected = this.#pending;
    this.#pending = new Fifo();
    for (let append = rejected.peek(); append; append = rejected.peek()) {
      rejected.shift();
      append.reject(error);
    }
    this.#settledOne();
  }

  /** What is sent for an append, the same each time. */
  messageOf(append: Append): OutgoingMessage {
    const expectedLastSequence = append.sequence - 1;
    const { payload } = append;
    const messageId = batchMessageId(append, expectedLastSequence);
    return { subject: this.parts.subject, payload, messageId, expectedLastSequence };
  }

  #send(): void {
    while (!this.#isResolving && this.#sent < this.#pending.length) {
      const append = this.#pending.at(this.#sent)!;
      const bytes = append.payload.length;
      const isFull = this.#sent >= IN_FLIGHT_MESSAGES || this.#sentBytes + bytes > IN_FLIGHT_BYTES;
      if (isFull && this.#sent > 0) return;
      this.#sent += 1;
      this.#sentBytes += bytes;
      const round = this.#round;
      this.parts.api.transport.publish(this.messageOf(append), (outcome) => {
        if (round === this.#round) this.#answered(append, outcome);
      });
    }
  }

  #answered(append: Append, outcome: PublishOutcome): void {
    if (outcome.kind !== "stored") {
      this.#beginResolving();
      return;
    }
    const wrong = this.wrongPlace(append, outcome);
    if (wrong) this.fail(wrong);
    else {
      append.isAcknowledged = true;
      this.#settleHead();
      this.#send();
    }
  }

  /** An acknowledgement of another place than the expected one is none. */
  wrongPlace(
    append: Append,
    outcome: Extract<PublishOutcome, { kind: "stored" }>,
  ): LogError | null {
    const { stream } = this.parts.log.reader;
    if (outcome.sequence === append.sequence && outcome.stream === stream) return null;
    return new LogError(
      "offline",
      `stream ${stream}: expected to append at ${append.sequence}, acknowledged at ` +
        `${outcome.stream} ${outcome.sequence}: the log must be opened again`,
    );
  }

  #settleHead(): void {
    const { log } = this.parts;
    const settled: Append[] = [];
    for (let head = this.#pending.peek(); head?.isAcknowledged; head = this.#pending.peek()) {
      this.#pending.shift();
      this.#sentBytes -= head.payload.length;
      const { sequence, baseOffset, nextOffset, maxTimestamp, payload } = head;
      log.end.sequence = sequence;
      log.end.nextOffset = nextOffset;
      log.index.add(sequence, baseOffset, maxTimestamp, payload.length);
      log.tail.add([{ baseOffset, nextOffset, bytes: payload }]);
      settled.push(head);
    }
    if (settled.length === 0) return;
    this.#sent = Math.max(0, this.#sent - settled.length);
    this.parts.settled();
    for (const append of settled) append.resolve(append.baseOffset);
    this.#settledOne();
  }

  #settledOne(): void {
    if (this.#pending.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #beginResolving(): void {
    this.#isResolving = true;
    this.#round += 1;
    this.#sent = 0;
    this.#sentBytes = 0;
    // What came after the head may have been acknowledged and yet be void.
    for (let i = 0; i < this.#pending.length; i++) this.#pending.at(i)!.isAcknowledged = false;
    void this.#resolve();
  }

  async #resolve(): Promise<void> {
    const head = this.#pending.peek();
    if (!head) return;
    const verdict: Verdict = await resolveHead(this, head).catch((error: unknown) => ({
      kind: "failed" as const,
      error:
        error instanceof LogError
          ? error
          : new LogError("offline", `append to ${this.parts.log.name} failed`, { cause: error }),
    }));
    if (this.#failure) return;
    if (verdict.kind === "failed") return this.fail(verdict.error);
    this.#isResolving = false;
    this.#sentBytes += head.payload.length;
    head.isAcknowledged = true;
    this.#settleHead();
    this.#sent = 0;
    this.#send();
  }

  /** The place of the head is taken by a message that is not the log: all move on by one. */
  moveOn(): void {
    this.#nextSequence += 1;
    for (let i = 0; i < this.#pending.length; i++) this.#pending.at(i)!.sequence += 1;
  }
}
