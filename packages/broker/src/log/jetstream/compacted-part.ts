// The compacted beginning of a log.
//
// Messages can't be changed, so compaction appends what it keeps at the end of the stream: copies
// (append-pipeline.ts). They have no offset of their own in the log (grammar.ts takes them for
// void messages), and they count only when the log's saved start names their run. Then the
// messages that they replace are purged, as those before any other start.
import type { BlockIndex } from "./block-index.ts";
import type { LogPosition, Meaning } from "./grammar.ts";
import { parseCopyId } from "./message-id.ts";
import type { StoredMessage } from "./transport.ts";

export interface CompactedPart {
  /** Unique for each run of compaction: it is in the ids of its copies. */
  readonly run: string;
  /** Where the other messages of the log begin. */
  readonly endOffset: number;
  /** Of the last copy. */
  readonly endSequence: number;
  /** The copies by sequence; other messages may lie between them. */
  readonly index: BlockIndex;
}

/** Finds the copies of one run among the messages of a stream. */
export class CopyGrammar {
  sequence: number;
  nextOffset: number;
  readonly #run: string;

  constructor(run: string, { sequence, nextOffset }: LogPosition) {
    this.#run = run;
    this.sequence = sequence;
    this.nextOffset = nextOffset;
  }

  get position(): LogPosition {
    return { sequence: this.sequence, nextOffset: this.nextOffset, epoch: -1, writer: "" };
  }

  accept({ sequence, messageId }: StoredMessage): Meaning {
    this.sequence = sequence;
    const copy = parseCopyId(messageId);
    if (copy?.writer !== this.#run || copy.baseOffset < this.nextOffset) return { kind: "void" };
    const { baseOffset, nextOffset } = copy;
    this.nextOffset = nextOffset;
    return { kind: "batches", baseOffset, nextOffset };
  }
}

/** Forgets the copies that hold nothing at or after `offset`. */
export function dropCopiesBefore({ index }: CompactedPart, offset: number): void {
  const block = index.blocks[index.find(offset)];
  if (block === undefined) return;
  const { firstSequence, firstOffset: nextOffset } = block;
  const position = { sequence: firstSequence - 1, nextOffset, epoch: -1, writer: "" };
  index.dropUntil(position, null);
}
