// The common part of leader and follower logs: what is known about the stream, and reading from it.
import type { Clock } from "../../env/env.ts";
import { DamagedRanges } from "../damaged-ranges.ts";
import type { LogId, LogSegment } from "../log.ts";
import { LogError } from "../log-error.ts";
import { MemoryTail, type TailBudget } from "../memory-tail.ts";
import { BlockIndex } from "./block-index.ts";
import type { LogStart } from "./checkpoint-format.ts";
import { ColdRead, type ReadPlace } from "./cold-read.ts";
import { LogGrammar, type LogPosition, type Meaning } from "./grammar.ts";
import { READ_BYTES, READ_PLACES } from "./limits.ts";
import { batchesOf, maxTimestampIn } from "./message-batches.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { StoredMessage } from "./transport.ts";
import type { ReadRequest, Step } from "./walk-step.ts";

export interface StoredLogParts {
  readonly id: LogId;
  readonly reader: StreamReader;
  readonly index: BlockIndex;
  readonly position: LogPosition;
  readonly startOffset: number;
  readonly tails: TailBudget;
  readonly clock: Clock;
  /** Takes one line for the operator. */
  readonly report: (line: string) => void;
  /** Loads the saved start of the log, which its leader moves. */
  readonly loadStart: () => Promise<LogStart | null>;
}

export class StoredLog {
  readonly id: LogId;
  readonly name: string;
  readonly reader: StreamReader;
  readonly tail: MemoryTail;
  readonly clock: Clock;
  readonly report: (line: string) => void;
  index: BlockIndex;
  /** The position after the last message that is known to be committed. */
  end: LogGrammar;
  startOffset: number;
  #firstSequence = 1;
  readonly #losses = new DamagedRanges();
  readonly loadStart: () => Promise<LogStart | null>;
  /** Ends of recent reads, where the next reads are likely to begin. */
  #places: ReadPlace[] = [];

  constructor(parts: StoredLogParts) {
    this.id = parts.id;
    this.name = `${parts.id.topic}-${parts.id.partition}`;
    this.reader = parts.reader;
    this.index = parts.index;
    this.end = new LogGrammar(parts.position);
    this.startOffset = parts.startOffset;
    this.tail = new MemoryTail(parts.tails);
    this.clock = parts.clock;
    this.report = parts.report;
    this.loadStart = parts.loadStart;
  }

  /** Messages before it are no longer needed. */
  get firstSequence(): number {
    return this.#firstSequence;
  }

  get endOffset(): number {
    return this.end.nextOffset;
  }

  /** Takes the next committed message. */
  advance(message: StoredMessage): Meaning {
    const { sequence } = this.end;
    const { nextOffset } = this.end;
    const meaning = this.end.accept(message);
    const lost = meaning.kind === "batches" ? meaning.baseOffset - nextOffset : 0;
    if (lost > 0 || message.sequence !== sequence + 1)
      this.lose(nextOffset, nextOffset + lost, `messages before ${message.sequence} are gone`);
    if (meaning.kind === "batches") {
      const { payload } = message;
      const maxTimestamp = maxTimestampIn(payload, meaning);
      const nowMs = this.clock.wallMs();
      this.index.add(message.sequence, meaning.baseOffset, maxTimestamp, payload.length, nowMs);
    } else if (meaning.kind === "take-over") {
      const { epoch, writer } = this.end;
      this.index.takeOver({ sequence: message.sequence, epoch, writer });
    }
    return meaning;
  }

  /** Reads all messages up to a sequence that is known to be committed. */
  async scanThrough(sequence: number): Promise<void> {
    while (this.end.sequence < sequence)
      for (const message of await this.readNext(sequence)) this.advance(message);
  }

  /**
   * The messages after the end. If the log was trimmed past its end meanwhile, the end first moves
   * to the new start. `known`: see StreamReader.read.
   */
  async readNext(known: number): Promise<readonly StoredMessage[]> {
    return this.#following(await this.reader.read(this.end.sequence + 1, known));
  }

  /**
   * At most one message after the end, from the Raft leader. Rejects with NoAnswer while there is
   * no leader.
   */
  async readNextFromLeader(): Promise<readonly StoredMessage[]> {
    const message = await this.reader.nextOfLeader(this.end.sequence + 1);
    return this.#following(message === null ? [] : [message]);
  }

  async #following(messages: readonly StoredMessage[]): Promise<readonly StoredMessage[]> {
    if (messages.length === 0 || messages[0]!.sequence === this.end.sequence + 1) return messages;
    await this.refreshStart();
    return messages.filter(({ sequence }) => sequence > this.end.sequence);
  }

  /** Loads where the log starts now. */
  async refreshStart(): Promise<void> {
    const start = await this.loadStart();
    if (start && start.startOffset > this.startOffset) this.moveStart(start, null);
  }

  /** `cut`: how much of the index's block lies before the new start, null when unknown. */
  moveStart(
    { startOffset, position }: LogStart,
    cut: { messages: number; sizeBytes: number } | null,
  ): void {
    this.startOffset = startOffset;
    this.#firstSequence = position.sequence + 1;
    this.#places = [];
    if (position.sequence > this.end.sequence) {
      this.end = new LogGrammar(position);
      this.index = new BlockIndex();
      this.tail.clear();
    }
    this.tail.dropBefore(startOffset);
    this.index.dropUntil(position, cut);
  }

  async read({ offset, maxBytes, upTo }: ReadRequest): Promise<readonly Uint8Array[]> {
    this.refuseOutside(offset);
    const end = Math.min(upTo, this.endOffset);
    if (offset >= end) return [];
    if (offset >= this.tail.firstOffset) return this.tail.read(offset, maxBytes, end);
    return this.#readCold({ offset, maxBytes, upTo: end });
  }

  refuseOutside(offset: number): void {
    if (offset >= this.startOffset && offset <= this.endOffset) return;
    const { startOffset, endOffset, name } = this;
    const message = `log ${name}: offset ${offset} is outside ${startOffset} to ${endOffset}`;
    throw new LogError("out-of-range", message);
  }

  async #readCold(wanted: ReadRequest): Promise<readonly Uint8Array[]> {
    const { offset, upTo } = wanted;
    const limitBytes = Math.min(wanted.maxBytes, READ_BYTES);
    const place = this.#placeBefore(offset);
    if (!place) return this.#refuseGone(offset, this.index.blocks[0]?.firstOffset ?? upTo);
    const read = new ColdRead({ offset, maxBytes: limitBytes, upTo });
    const readBytes = place.nextOffset === offset ? limitBytes : READ_BYTES;
    for await (const step of this.walk(place, readBytes)) {
      const { lostBefore } = step;
      if (lostBefore !== null && lostBefore > offset) {
        if (read.batches.length > 0) break;
        return this.#refuseGone(offset, lostBefore);
      }
      if (!read.take(step)) break;
    }
    const { batches, damaged, end } = read;
    if (damaged) throw this.#damaged(damaged.baseOffset, damaged.nextOffset, "a batch is damaged");
    if (!end) return this.#refuseGone(offset, this.endOffset);
    this.#remember(end);
    return batches;
  }

  /** Rejects: the offset was trimmed away meanwhile, or its messages are lost. */
  async #refuseGone(offset: number, resumeOffset: number): Promise<never> {
    await this.refreshStart();
    this.refuseOutside(offset);
    throw this.#damaged(offset, resumeOffset, "messages are gone");
  }

  /**
   * The committed messages after `from`, each with its meaning and the positions before and after
   * it. `lostBefore`: messages before this one are missing, and with them all offsets below it.
   */
  async *walk(from: LogPosition, maxBytes = READ_BYTES): AsyncGenerator<Step> {
    const grammar = new LogGrammar(from);
    while (grammar.sequence < this.end.sequence) {
      const known = this.end.sequence;
      for (const message of await this.reader.read(grammar.sequence + 1, known, maxBytes)) {
        if (message.sequence > known) return;
        const before = grammar.position;
        const meaning = grammar.accept(message);
        const isGap = message.sequence !== before.sequence + 1;
        const next = meaning.kind === "batches" ? meaning.baseOffset : grammar.nextOffset;
        const lostBefore = isGap || next > before.nextOffset ? next : null;
        yield { message, meaning, before, after: grammar.position, lostBefore };
      }
    }
  }

  /** Where to begin reading for `offset`; null when the index begins after it. */
  #placeBefore(offset: number): LogPosition | null {
    const remembered = this.#places.find((place) => place.offset === offset)?.before;
    const { blocks } = this.index;
    const block = blocks[this.index.find(offset)];
    if (remembered && remembered.sequence + 1 >= (blocks[0]?.firstSequence ?? 0)) return remembered;
    return block ? this.index.positionBefore(block) : null;
  }

  #remember(place: ReadPlace): void {
    this.#places = this.#places.filter(({ offset }) => offset !== place.offset);
    this.#places.unshift(place);
    this.#places.length = Math.min(this.#places.length, READ_PLACES);
  }

  /** Implements Log.segments: the index's blocks. */
  *segments(): Generator<LogSegment> {
    const { blocks } = this.index;
    const ends = blocks.map((_, i) => blocks[i + 1]?.firstOffset ?? this.endOffset);
    for (const [i, { sizeBytes, newestMs }] of [...blocks].entries()) {
      yield { endOffset: ends[i]!, sizeBytes, newestMs };
    }
  }

  /** Implements ReadableLog.offsetAt. */
  async offsetAt(timestamp: number, from = this.startOffset): Promise<number | null> {
    const { endOffset } = this;
    const { blocks } = this.index;
    const first = Math.max(from, this.startOffset);
    for (let i = Math.max(0, this.index.find(first)); i < blocks.length; i++) {
      const block = blocks[i]!;
      if (block.maxTimestamp < timestamp) continue;
      const next = blocks[i + 1]?.firstSequence ?? Number.POSITIVE_INFINITY;
      for await (const { message, meaning } of this.walk(this.index.positionBefore(block))) {
        if (message.sequence >= next) break;
        if (meaning.kind !== "batches" || meaning.nextOffset <= first) continue;
        for (const batch of batchesOf(message.payload, meaning)) {
          if (batch.baseOffset >= endOffset) return null;
          if (batch.nextOffset > first && maxTimestampIn(batch.bytes, batch) >= timestamp)
            return Math.max(batch.baseOffset, first);
        }
      }
    }
    return null;
  }

  #damaged(offset: number, resumeOffset: number, what: string): LogError {
    this.lose(offset, resumeOffset, what);
    const message = `log ${this.name}: offsets ${offset} to ${resumeOffset - 1}: ${what}`;
    return new LogError("corrupt", message, { resumeOffset });
  }

  get damagedRanges(): number {
    return this.#losses.countFrom(this.startOffset);
  }

  lose(offset: number, resumeOffset: number, what: string): void {
    if (!this.#losses.note({ from: offset, to: resumeOffset })) return;
    this.report(
      `DATA LOSS in log ${this.name} (stream ${this.reader.stream}): ${what}, ` +
        `offsets ${offset} to ${resumeOffset - 1}`,
    );
  }
}
