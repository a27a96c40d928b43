// Appends on their way. Of each log one message is under way at a time; batches that come meanwhile
// wait and go together in the next one, since it takes the servers' disks about as long to sync
// many as to sync one.
//
// 1. An append has its offsets from the call on, for good; the sequence of its message may yet
//    move, when messages that are not the log (grammar.ts) took places.
// 2. What was put into a message stays in it: it is sent again as it was.
// 3. An acknowledgement counts when it names the very sequence that was expected.
// 4. No answer is no failure: it is sent again until what became of it is known
//    (resolve-message.ts).
// 5. What can't be is a bug or a broken promise of the servers: the log fails, loudly.
// 6. Who wants to know whether this writer is still in force has it from the next message, which is
//    a marker of its own when there is nothing to append.
import { nextOffsetAt, stampBatch, viewOf } from "@tarpan/protocol";
import { Fifo } from "../fifo.ts";
import { LogError } from "../log-error.ts";
import { HEADER_BYTES, MESSAGE_BYTES } from "./limits.ts";
import { encodeMarker } from "./marker.ts";
import { maxTimestampIn } from "./message-batches.ts";
import { markerMessageId, messageIdOf } from "./message-id.ts";
import type {
  Append,
  Confirmation,
  MessageSender,
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
  /** Called with the bytes of appends once they were settled, before their callers go on. */
  readonly settled: (sizeBytes: number) => void;
}

export class AppendPipeline implements MessageSender {
  readonly parts: AppendPipelineParts;
  #waiting = new Fifo<Append>();
  #confirmations: Confirmation[] = [];
  #message: PendingMessage | null = null;
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
    const limitBytes = this.#maxPayloadBytes;
    if (bytes.length > limitBytes) {
      const message = `a batch of ${bytes.length} bytes is over the servers' max_payload`;
      return Promise.reject(new LogError("too-large", `${message} (${limitBytes} for batches)`));
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

  /** Resolves once it is certain that nobody else had taken over when it was called. */
  confirm(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#confirmations.push({ resolve, reject });
      this.#send();
    });
  }

  /** Resolves once nothing is pending. */
  idle(): Promise<void> {
    if (this.#message === null) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Rejects all that is pending and all that comes; with `underWay` what may yet be stored. */
  fail(error: LogError, underWay = error): void {
    if (this.#failure) return;
    this.#failure = error;
    const message = this.#message;
    for (const append of message?.appends ?? []) append.reject(underWay);
    const confirmations = [...(message?.confirmations ?? []), ...this.#confirmations.splice(0)];
    for (const confirmation of confirmations) confirmation.reject(error);
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
    if (message.isMarker) {
      const messageId = markerMessageId(message.writer, expectedLastSequence);
      return { subject, payload: this.#marker(message), messageId, expectedLastSequence };
    }
    const messageId = messageIdOf(message, expectedLastSequence);
    return { subject, payload: message.payload, messageId, expectedLastSequence };
  }

  #marker({ writer, nextOffset, sequence }: PendingMessage): Uint8Array {
    const { epoch } = this.parts.log.end;
    return encodeMarker({ epoch, intendedSequence: sequence, nextOffset, writer });
  }

  get #maxPayloadBytes(): number {
    return this.parts.api.transport.maxPayloadBytes - HEADER_BYTES;
  }

  #send(): void {
    if (this.#message !== null) return;
    if (this.#waiting.length === 0 && this.#confirmations.length === 0) return;
    const message = this.#gather();
    this.#message = message;
    this.parts.api.transport.publish(this.outgoing(message), (outcome) => {
      if (this.#message === message) this.#answered(message, outcome);
    });
  }

  /** As many of the appends that wait as one message takes, none if none do. */
  #gather(): PendingMessage {
    const limitBytes = Math.min(MESSAGE_BYTES, this.#maxPayloadBytes);
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
      isMarker: appends.length === 0,
      writer,
      baseOffset,
      nextOffset,
      payload,
      appends,
      confirmations: this.#confirmations.splice(0),
      sequence: sequence + 1,
    };
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
      `stream ${stream}: expected to append at ${message.sequence}, acknowledged at ` +
        `${outcome.stream} ${outcome.sequence}: the log must be opened again`,
    );
  }

  #settle(message: PendingMessage): void {
    const { log } = this.parts;
    const { sequence, baseOffset, nextOffset, payload, appends } = message;
    log.end.sequence = sequence;
    log.end.nextOffset = nextOffset;
    if (!message.isMarker)
      log.index.add(sequence, baseOffset, maxTimestampIn(payload, message), payload.length);
    log.tail.add(appends);
    this.#message = null;
    this.#send();
    this.parts.settled(message.isMarker ? 0 : payload.length);
    for (const append of appends) append.resolve(append.baseOffset);
    for (const confirmation of message.confirmations) confirmation.resolve();
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
