// Which of a stream's messages are the log. If compare-and-set always held, all of them would be;
// the rules hold also where it did not: when a Raft leader judged by an end that was no longer the
// end, or when a marker had to be written wherever it lands.
//
// 1. A marker takes over when its epoch is newer, or the same and it lies where it was meant to.
// 2. Batches are part of the log when the writer in force wrote them and the first begins at the
//    next offset.
// 3. Everything else is void: it takes a sequence, no offset, and nobody reads it.
// 4. Who reads the same stream comes to the same log, as the rules look at nothing but what is
//    stored, in its order. A copy of what is in the log already is void too, so a writer that does
//    not know what became of its message may send it again.
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
  | { readonly kind: "batches"; readonly baseOffset: number; readonly nextOffset: number }
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
    return identity ? this.#acceptBatches(identity) : this.#acceptMarker(message);
  }

  #acceptBatches(identity: NonNullable<ReturnType<typeof parseMessageId>>): Meaning {
    const { writer, baseOffset, nextOffset } = identity;
    if (this.#isLost && baseOffset >= this.nextOffset) {
      this.#isLost = false;
      this.writer = writer;
    } else if (writer !== this.writer || baseOffset !== this.nextOffset) return VOID;
    this.nextOffset = nextOffset;
    return { kind: "batches", baseOffset, nextOffset };
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
