// Decides which messages of a stream belong to the log. If compare-and-set always worked, all of
// them would. These rules also cover the cases where it does not: a Raft leader that checked an
// outdated last sequence, or a marker that had to be written without compare-and-set.
//
// 1. A marker makes its writer the current one when its epoch is newer, or when its epoch is the
//    same and it has the sequence that it was intended to get.
// 2. Batches belong to the log when the current writer wrote them and the first one begins at the
//    next offset.
// 3. Every other message is void: it takes a sequence, but no offset, and is never served.
// 4. All readers of a stream find the same log, because the rules depend only on the stored
//    messages and their order. A second copy of a batch is void too, so a writer may send a message
//    again if it does not know the outcome.
import { decodeMarker } from "./marker.ts";
import { parseMessageId } from "./message-id.ts";
import type { StoredMessage } from "./transport.ts";

/** The state of the log after all messages up to `sequence`. */
export interface LogPosition {
  readonly sequence: number;
  readonly nextOffset: number;
  /** -1 before the first marker. */
  readonly epoch: number;
  /** The current writer, empty before the first marker. */
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
  /** Messages were missing: the writer and the next offset are learnt from later messages. */
  #isAfterGap = false;

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

  /** Takes the next message. A gap in the sequences means that messages were lost. */
  accept(message: StoredMessage): Meaning {
    if (message.sequence <= this.sequence) throw new Error("messages out of order");
    if (message.sequence !== this.sequence + 1) this.#isAfterGap = true;
    this.sequence = message.sequence;
    const identity = parseMessageId(message.messageId);
    return identity ? this.#acceptBatches(identity) : this.#acceptMarker(message);
  }

  #acceptBatches(identity: NonNullable<ReturnType<typeof parseMessageId>>): Meaning {
    const { writer, baseOffset, nextOffset } = identity;
    if (this.#isAfterGap && baseOffset >= this.nextOffset) {
      this.#isAfterGap = false;
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
    if (this.#isAfterGap) this.nextOffset = Math.max(this.nextOffset, nextOffset);
    this.#isAfterGap = false;
    this.epoch = epoch;
    this.writer = writer;
    return { kind: "take-over" };
  }
}
