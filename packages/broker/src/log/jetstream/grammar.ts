// Which of a stream's messages are the log. Compare-and-set alone does not tell: a writer that was
// replaced may have had messages 7 and 8 on their way when its successor's marker became 7. Its 7 is
// refused, but its 8 expects that 7 is the last one, which is true. So:
//
// 1. A marker takes over when its epoch is newer, or the same and it lies where it was meant to.
// 2. A batch is part of the log when the writer in force wrote it and it begins at the next offset.
// 3. Everything else is void: it takes a sequence, no offset, and nobody reads it.
// 4. Who reads the same stream comes to the same log, as the rules look at nothing but what is
//    stored, in its order. The rules also void what a writer had sent on behind a message of its own
//    that failed, so it may send that again.
import { decodeMarker } from "./marker.ts";
import { parseMessageId } from "./message-id.ts";
import type { StoredMessage } from "./transport.ts";

/** What all messages up to `sequence` come to. */
export interface LogPosition {
  readonly sequence: number;
  readonly nextOffset: number;
  /** -1 before the first marker. */
  readonly epoch: number;
  /** Of the writer in force, empty before the first marker. */
  readonly writer: string;
}

export const BEGINNING: LogPosition = { sequence: 0, nextOffset: 0, epoch: -1, writer: "" };

export type Meaning =
  | { readonly kind: "batch"; readonly baseOffset: number; readonly nextOffset: number }
  | { readonly kind: "take-over" | "void" };

const VOID: Meaning = { kind: "void" };

export class LogGrammar implements LogPosition {
  sequence: number;
  nextOffset: number;
  epoch: number;
  writer: string;
  /** Messages were missing: who wrote, and at which offset, is to be learnt from what follows. */
  #isLost = false;

  constructor(position: LogPosition) {
    this.sequence = position.sequence;
    this.nextOffset = position.nextOffset;
    this.epoch = position.epoch;
    this.writer = position.writer;
  }

  get position(): LogPosition {
    const { sequence, nextOffset, epoch, writer } = this;
    return { sequence, nextOffset, epoch, writer };
  }

  /** Takes the next message. One that does not follow the last one comes after lost ones. */
  accept(message: StoredMessage): Meaning {
    if (message.sequence <= this.sequence) throw new Error("messages out of order");
    if (message.sequence !== this.sequence + 1) this.#isLost = true;
    this.sequence = message.sequence;
    const identity = parseMessageId(message.messageId);
    return identity ? this.#acceptBatch(identity) : this.#acceptMarker(message);
  }

  #acceptBatch(identity: NonNullable<ReturnType<typeof parseMessageId>>): Meaning {
    const { writer, baseOffset, nextOffset } = identity;
    if (this.#isLost && baseOffset >= this.nextOffset) {
      this.#isLost = false;
      this.writer = writer;
    } else if (writer !== this.writer || baseOffset !== this.nextOffset) return VOID;
    this.nextOffset = nextOffset;
    return { kind: "batch", baseOffset, nextOffset };
  }

  #acceptMarker({ payload, sequence }: StoredMessage): Meaning {
    const marker = decodeMarker(payload);
    if (!marker) return VOID;
    const { epoch, writer, intendedSequence, nextOffset } = marker;
    if (epoch < this.epoch || (epoch === this.epoch && sequence !== intendedSequence)) return VOID;
    if (this.#isLost) this.nextOffset = Math.max(this.nextOffset, nextOffset);
    this.#isLost = false;
    this.epoch = epoch;
    this.writer = writer;
    return { kind: "take-over" };
  }
}
