// Publishes the appended batches of one log. One message of a log is in flight at a time. Batches
// appended meanwhile form the next message, because the servers' disks sync many batches about as
// fast as one.
//
// 1. An append has its final offsets from the call on. The sequence of its message may still move
//    up, if void messages (grammar.ts) took the expected one.
// 2. The content of a message never changes: a retry sends the same bytes.
// 3. An acknowledgement counts only if it names the expected stream and sequence.
// 4. A missing answer is no failure: the message is sent again until its outcome is known
//    (resolve-message.ts).
// 5. An impossible answer is a bug, here or in the servers: it fails the log.
// 6. `confirm` is answered by the next message, because only the current writer's messages are
//    accepted. If there is nothing to append, that message is a marker.
// 7. Copies, which compaction makes of older batches, are sent between the other messages, at most
//    every second one. They take a sequence, but no offset.
import { nextOffsetAt, stampBatch, viewOf } from "@tarpan/protocol";
import type { Clock } from "../../env/env.ts";
import type { Histogram } from "../../metrics/histogram.ts";
import { Fifo } from "../fifo.ts";
import { LogError } from "../log-error.ts";
import { HEADER_BYTES, MESSAGE_BYTES } from "./limits.ts";
import { encodeMarker } from "./marker.ts";
import { maxTimestampIn } from "./message-batches.ts";
import { copyMessageId, markerMessageId, messageIdOf } from "./message-id.ts";
import type {
  Append,
  Confirmation,
  Copy,
  MessageSender,
  PendingCopy,
  PendingMessage,
  Stored,
} from "./pending-message.ts";
import { resolveMessage, type Verdict } from "./resolve-message.ts";
import type { StoredLog } from "./stored-log.ts";
import type { StreamApi } from "./stream-api.ts";
import type { OutgoingMessage, PublishOutcome } from "./transport.ts";

export interface AppendPipelineParts {
  readonly api: StreamApi;
  readonly log: StoredLog;
  readonly subject: string;
  readonly clock: Clock;
  /** See LogEngine. */
  readonly flushes: Histogram;
  /** Called with the bytes of the stored appends, before their promises resolve. */
  readonly settled: (sizeBytes: number) => void;
}

export class AppendPipeline implements MessageSender {
  readonly parts: AppendPipelineParts;
  #waiting = new Fifo<Append>();
  #confirmations: Confirmation[] = [];
  #copy: PendingCopy | null = null;
  #message: PendingMessage | null = null;
  #sentAtMs = 0;
  #nextOffset: number;
  #failure: LogError | null = null;
  #idle: (() => void)[] = [];

  constructor(parts: AppendPipelineParts) {
    this.parts = parts;
    this.#nextOffset = parts.log.endOffset;
  }

  get nextOffset(): number {
    return this.#nextOffset;
  }
  get failure(): LogError | null {
    return this.#failure;
  }

  append(bytes: Uint8Array, leaderEpoch: number): Promise<number> {
    if (this.#failure) return Promise.reject(this.#failure);
    const limitBytes = this.maxPayloadBytes;
    if (bytes.length > limitBytes) {
      const message =
        `a batch of ${bytes.length} bytes is too large: ` +
        `the NATS servers' max_payload allows ${limitBytes} bytes`;
      return Promise.reject(new LogError("too-large", message));
    }
    const baseOffset = this.#nextOffset;
    stampBatch(bytes, 0, baseOffset, leaderEpoch);
    const nextOffset = nextOffsetAt(viewOf(bytes), 0);
    this.#nextOffset = nextOffset;
    return new Promise((resolve, reject) => {
      this.#waiting.items.push({ baseOffset, nextOffset, bytes, resolve, reject });
      this.#send();
    });
  }

  /** Resolves once it is certain that no other writer had taken over before the call. */
  confirm(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#confirmations.push({ resolve, reject });
      this.#send();
    });
  }

  /** Resolves to the sequence of the copy once it is stored; no other copy may be waiting. */
  copy(copy: Copy): Promise<number> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#copy = { ...copy, resolve, reject };
      this.#send();
    });
  }

  /** Resolves once nothing is pending. */
  idle(): Promise<void> {
    if (this.#message === null) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Rejects all pending and later calls; appends in flight, which may be stored, by `inFlight`. */
  fail(error: LogError, inFlight = error): void {
    if (this.#failure) return;
    this.#failure = error;
    const message = this.#message;
    for (const append of message?.appends ?? []) append.reject(inFlight);
    const confirmations = [...(message?.confirmations ?? []), ...this.#confirmations.splice(0)];
    for (const confirmation of confirmations) confirmation.reject(error);
    message?.copy?.reject(error);
    this.#copy?.reject(error);
    this.#message = null;
    for (let append = this.#waiting.peek(); append; append = this.#waiting.peek()) {
      this.#waiting.shift();
      append.reject(error);
    }
    this.#tellIdle();
  }

  outgoing(message: PendingMessage): OutgoingMessage {
    const { subject } = this.parts;
    const expectedLastSequence = message.sequence - 1;
    if (message.kind === "marker") {
      const messageId = markerMessageId(message.writer, expectedLastSequence);
      return { subject, payload: this.#marker(message), messageId, expectedLastSequence };
    }
    const idOf = message.kind === "copy" ? copyMessageId : messageIdOf;
    const messageId = idOf(message, expectedLastSequence);
    return { subject, payload: message.payload, messageId, expectedLastSequence };
  }

  #marker({ writer, nextOffset, sequence }: PendingMessage): Uint8Array {
    const { epoch } = this.parts.log.end;
    return encodeMarker({ epoch, intendedSequence: sequence, nextOffset, writer });
  }

  get maxPayloadBytes(): number {
    return this.parts.api.transport.maxPayloadBytes - HEADER_BYTES;
  }

  #send(): void {
    if (this.#message !== null) return;
    const isNothing = this.#waiting.length === 0 && this.#confirmations.length === 0;
    if (isNothing && this.#copy === null) return;
    const message = this.#copy === null ? this.#gather() : this.#gatherCopy(this.#copy);
    this.#message = message;
    this.#sentAtMs = this.parts.clock.monotonicMs();
    this.parts.api.transport.publish(this.outgoing(message), (outcome) => {
      if (this.#message === message) this.#answered(message, outcome);
    });
  }

  /** The next message: as many waiting appends as fit into it, or a marker if none wait. */
  #gather(): PendingMessage {
    const limitBytes = Math.min(MESSAGE_BYTES, this.maxPayloadBytes);
    const appends: Append[] = [];
    let sizeBytes = 0;
    for (let append = this.#waiting.peek(); append; append = this.#waiting.peek()) {
      sizeBytes += append.bytes.length;
      if (appends.length > 0 && sizeBytes > limitBytes) break;
      appends.push(append);
      this.#waiting.shift();
    }
    const { writer, sequence, nextOffset: end } = this.parts.log.end;
    const payload =
      appends.length === 1 ? appends[0]!.bytes : Buffer.concat(appends.map(({ bytes }) => bytes));
    const baseOffset = appends[0]?.baseOffset ?? end;
    const nextOffset = appends.at(-1)?.nextOffset ?? end;
    return {
      kind: appends.length === 0 ? "marker" : "batches",
      writer,
      baseOffset,
      nextOffset,
      payload,
      appends,
      confirmations: this.#confirmations.splice(0),
      copy: null,
      sequence: sequence + 1,
    };
  }

  #gatherCopy(copy: PendingCopy): PendingMessage {
    this.#copy = null;
    const { writer, baseOffset, nextOffset, payload } = copy;
    const sequence = this.parts.log.end.sequence + 1;
    const ofCopy = { writer, baseOffset, nextOffset, payload, copy, sequence };
    return { kind: "copy", ...ofCopy, appends: [], confirmations: [] };
  }

  #answered(message: PendingMessage, outcome: PublishOutcome): void {
    if (outcome.kind !== "stored") {
      void this.#resolve(message);
      return;
    }
    const wrong = this.wrongPlace(message, outcome);
    if (wrong) this.fail(wrong);
    else this.#settle(message);
  }

  wrongPlace(message: PendingMessage, outcome: Stored): LogError | null {
    const { stream } = this.parts.log.reader;
    if (outcome.sequence === message.sequence && outcome.stream === stream) return null;
    return new LogError(
      "offline",
      `stream ${stream}: an append expected sequence ${message.sequence}, but sequence ` +
        `${outcome.sequence} of ${outcome.stream} was acknowledged: the log must be opened again`,
    );
  }

  #settle(message: PendingMessage): void {
    const { log, clock, flushes } = this.parts;
    flushes.add(clock.monotonicMs() - this.#sentAtMs);
    const { sequence, baseOffset, nextOffset, payload, appends } = message;
    const isBatches = message.kind === "batches";
    log.end.sequence = sequence;
    if (message.kind !== "copy") log.end.nextOffset = nextOffset;
    if (isBatches) {
      const maxTimestamp = maxTimestampIn(payload, message);
      log.indexed(sequence, baseOffset, maxTimestamp, payload.length);
    }
    log.tail.add(appends);
    this.#message = null;
    this.#send();
    this.parts.settled(isBatches ? payload.length : 0);
    for (const append of appends) append.resolve(append.baseOffset);
    for (const confirmation of message.confirmations) confirmation.resolve();
    message.copy?.resolve(sequence);
    if (this.#message === null) this.#tellIdle();
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #resolve(message: PendingMessage): Promise<void> {
    const verdict: Verdict = await resolveMessage(this, message).catch((error: unknown) => ({
      kind: "failed" as const,
      error:
        error instanceof LogError
          ? error
          : new LogError("offline", `append to ${this.parts.log.name} failed`, { cause: error }),
    }));
    if (this.#failure) return;
    if (verdict.kind === "failed") this.fail(verdict.error);
    else this.#settle(message);
  }
}
