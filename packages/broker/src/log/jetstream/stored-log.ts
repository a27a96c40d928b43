// The common part of leader and follower logs: what is known about the stream, and reading from it.
import { nextOffsetAt, viewOf } from "@tarpan/protocol";
import type { Clock } from "../../env/env.ts";
import { DamagedRanges } from "../damaged-ranges.ts";
import { hasRecords } from "../has-records.ts";
import type { LogId, LogSegment } from "../log.ts";
import { LogError } from "../log-error.ts";
import { MemoryTail, type TailBudget } from "../memory-tail.ts";
import { BlockIndex } from "./block-index.ts";
import { ColdRead, type ReadPlace } from "./cold-read.ts";
import { type CompactedPart, CopyGrammar, dropCopiesBefore } from "./compacted-part.ts";
import { LogGrammar, type LogPosition, type Meaning } from "./grammar.ts";
import { BLOCK_BYTES, OLD_START_WAITS, READ_BYTES, READ_PLACES, RETRY_MAX_MS } from "./limits.ts";
import { batchesOf, maxTimestampIn } from "./message-batches.ts";
import { isLaterStart, type LogStart } from "./start-format.ts";
import type { StreamReader } from "./stream-reader.ts";
import type { StoredMessage } from "./transport.ts";
import type { ReadRequest, Step } from "./walk-step.ts";

export interface StoredLogParts {
  readonly id: LogId;
  readonly reader: StreamReader;
  readonly index: BlockIndex;
  readonly position: LogPosition;
  readonly start: LogStart;
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
  /** Each start is an object of its own. */
  start: LogStart;
  /** Bytes after which a block of the index is closed. */
  blockBytes = BLOCK_BYTES;
  readonly #losses = new DamagedRanges();
  readonly loadStart: () => Promise<LogStart | null>;
  /** Messages before it are missing, and no start was saved that explains it. */
  #lostUntil = 0;
  /** Ends of recent reads, where the next reads are likely to begin. */
  #places: ReadPlace[] = [];

  constructor(parts: StoredLogParts) {
    this.id = parts.id;
    this.name = `${parts.id.topic}-${parts.id.partition}`;
    this.reader = parts.reader;
    this.index = parts.index;
    this.end = new LogGrammar(parts.position);
    this.start = parts.start;
    if (this.start.compacted !== null) dropCopiesBefore(this.start.compacted, this.startOffset);
    this.tail = new MemoryTail(parts.tails);
    this.clock = parts.clock;
    this.report = parts.report;
    this.loadStart = parts.loadStart;
  }

  get startOffset(): number {
    return this.start.startOffset;
  }

  /** Messages before it are no longer needed. */
  get firstSequence(): number {
    return this.start.position.sequence + 1;
  }

  get sizeBytes(): number {
    return this.index.sizeBytes + (this.start.compacted?.index.sizeBytes ?? 0);
  }

  get maxTimestamp(): number {
    return Math.max(this.index.maxTimestamp, this.start.compacted?.index.maxTimestamp ?? -1);
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
      this.indexed(message.sequence, meaning.baseOffset, maxTimestamp, payload.length);
    } else if (meaning.kind === "take-over") {
      const { epoch, writer } = this.end;
      this.index.takeOver({ sequence: message.sequence, epoch, writer });
    }
    return meaning;
  }

  /** Adds a message of batches to the index. */
  indexed(sequence: number, baseOffset: number, maxTimestamp: number, sizeBytes: number): void {
    const nowMs = this.clock.wallMs();
    this.index.add(sequence, baseOffset, maxTimestamp, sizeBytes, nowMs, this.blockBytes);
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
    await this.startAfterGap();
    return messages.filter(({ sequence }) => sequence > this.end.sequence);
  }

  /** Loads where the log starts now. */
  async refreshStart(): Promise<void> {
    const start = await this.loadStart();
    if (start && isLaterStart(start, this.start)) this.moveStart(start, null);
  }

  /**
   * Loads where the log starts, after messages were found missing. The start is saved before any
   * message is purged, but a server that lost its majority may still answer with an older one: it
   * is asked for again as long as the stream begins after it.
   */
  async startAfterGap(): Promise<void> {
    const { state } = await this.reader.infoReaching(0);
    await this.refreshStart();
    const isOlder = () => state.first_seq > this.firstSequence;
    for (let waits = OLD_START_WAITS; isOlder() && state.first_seq !== this.#lostUntil; waits--) {
      if (waits === 0) this.#lostUntil = state.first_seq;
      else await this.reader.wait(RETRY_MAX_MS);
      await this.refreshStart();
    }
  }

  /** `cut`: how much of the index's block lies before the new start, null when unknown. */
  moveStart(start: LogStart, cut: { messages: number; sizeBytes: number } | null): void {
    const { startOffset, position, compacted } = start;
    this.start = start;
    this.#places = [];
    if (compacted !== null) dropCopiesBefore(compacted, startOffset);
    if (position.sequence > this.end.sequence) {
      this.end = new LogGrammar(position);
      this.index = new BlockIndex();
      this.tail.clear();
    }
    this.tail.dropBefore(compacted?.endOffset ?? startOffset);
    this.index.dropUntil(position, cut);
  }

  async read({ offset, maxBytes, upTo }: ReadRequest): Promise<readonly Uint8Array[]> {
    this.refuseOutside(offset);
    const end = Math.min(upTo, this.endOffset);
    if (offset >= end) return [];
    if (offset >= this.tail.firstOffset) return this.tail.read(offset, maxBytes, end);
    const batches = await this.#readCold({ offset, maxBytes, upTo: end });
    return batches.some(hasRecords)
      ? batches
      : this.#readOn(batches, { offset, maxBytes, upTo: end });
  }

  /**
   * Goes on where all batches were emptied by compaction: some clients take such an answer for the
   * end of the log.
   */
  async #readOn(first: readonly Uint8Array[], wanted: ReadRequest): Promise<readonly Uint8Array[]> {
    const batches = [...first];
    let sizeBytes = 0;
    for (let more = first; more.length > 0 && !more.some(hasRecords); ) {
      for (const batch of more) sizeBytes += batch.byteLength;
      const offset = nextOffsetAt(viewOf(batches.at(-1)!), 0);
      if (offset >= wanted.upTo || sizeBytes >= READ_BYTES) break;
      const isCold = offset < this.tail.firstOffset;
      const reading = isCold
        ? this.#readCold({ ...wanted, offset })
        : this.read({ ...wanted, offset });
      more = await reading.catch(() => []);
      batches.push(...more);
    }
    return batches;
  }

  refuseOutside(offset: number): void {
    if (offset >= this.startOffset && offset <= this.endOffset) return;
    const { startOffset, endOffset, name } = this;
    const message = `log ${name}: offset ${offset} is outside ${startOffset} to ${endOffset}`;
    throw new LogError("out-of-range", message);
  }

  async #readCold(wanted: ReadRequest): Promise<readonly Uint8Array[]> {
    const { offset, upTo } = wanted;
    const { start } = this;
    const copies = this.copiesOf(offset);
    const { blocks } = (copies ?? this).index;
    const gone = (resumeOffset: number) => this.#readAgain(wanted, start, resumeOffset);
    const limitBytes = Math.min(wanted.maxBytes, READ_BYTES);
    const place = this.#placeBefore(offset);
    if (!place) return gone(blocks[0]?.firstOffset ?? upTo);
    const read = new ColdRead({ offset, maxBytes: limitBytes, upTo });
    const readBytes = place.nextOffset === offset ? limitBytes : READ_BYTES;
    for await (const step of this.walk(place, readBytes, copies)) {
      const { lostBefore } = step;
      if (lostBefore !== null && lostBefore > offset) {
        if (read.batches.length > 0) break;
        return gone(lostBefore);
      }
      if (!read.take(step)) break;
    }
    const { batches, damaged, end } = read;
    if (damaged) throw this.#damaged(damaged.baseOffset, damaged.nextOffset, "a batch is damaged");
    if (!end) return gone(copies?.endOffset ?? this.endOffset);
    const isSamePart = end.offset < (copies?.endOffset ?? Number.POSITIVE_INFINITY);
    if (isSamePart && this.start === start) this.#remember(end);
    return batches;
  }

  /**
   * Reads again if the log was compacted since `start`. Rejects otherwise: the offset was trimmed
   * away meanwhile, or its messages are lost.
   */
  async #readAgain(
    wanted: ReadRequest,
    start: LogStart,
    resumeOffset: number,
  ): Promise<readonly Uint8Array[]> {
    await this.startAfterGap();
    this.refuseOutside(wanted.offset);
    if (this.start !== start) return this.#readCold(wanted);
    throw this.#damaged(wanted.offset, resumeOffset, "messages are gone");
  }

  /** The copies among which the offset is; null when it is in a message of its own. */
  copiesOf(offset: number): CompactedPart | null {
    const { compacted } = this.start;
    return compacted !== null && offset < compacted.endOffset ? compacted : null;
  }

  /**
   * The committed messages after `from`, each with its meaning and the positions before and after
   * it. `lostBefore`: messages before this one are missing, and with them all offsets below it.
   * With `copies` only their messages are batches.
   */
  async *walk(
    from: LogPosition,
    maxBytes = READ_BYTES,
    copies: CompactedPart | null = null,
  ): AsyncGenerator<Step> {
    const grammar = copies === null ? new LogGrammar(from) : new CopyGrammar(copies.run, from);
    for (;;) {
      const known = copies?.endSequence ?? this.end.sequence;
      if (grammar.sequence >= known) return;
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
    const { index } = this.copiesOf(offset) ?? this;
    const { blocks } = index;
    const block = blocks[index.find(offset)];
    if (remembered && remembered.sequence + 1 >= (blocks[0]?.firstSequence ?? 0)) return remembered;
    return block ? index.positionBefore(block) : null;
  }

  #remember(place: ReadPlace): void {
    this.#places = this.#places.filter(({ offset }) => offset !== place.offset);
    this.#places.unshift(place);
    this.#places.length = Math.min(this.#places.length, READ_PLACES);
  }

  /** Implements Log.segments: the blocks of both indexes. */
  *segments(): Generator<LogSegment> {
    const { compacted } = this.start;
    const { endOffset } = this;
    if (compacted !== null) yield* segmentsOf(compacted.index, compacted.endOffset);
    yield* segmentsOf(this.index, endOffset);
  }

  /** Implements ReadableLog.offsetAt. */
  async offsetAt(timestamp: number, from = this.startOffset): Promise<number | null> {
    for (;;) {
      const { start } = this;
      const first = Math.max(from, this.startOffset);
      const copies = this.copiesOf(first);
      const found =
        (copies && (await this.#findIn(copies, timestamp, first))) ??
        (await this.#findIn(null, timestamp, first));
      if (this.start === start) return found;
    }
  }

  async #findIn(
    copies: CompactedPart | null,
    timestamp: number,
    first: number,
  ): Promise<number | null> {
    const { endOffset } = this;
    const { index } = copies ?? this;
    const { blocks } = index;
    for (let i = Math.max(0, index.find(first)); i < blocks.length; i++) {
      const block = blocks[i]!;
      if (block.maxTimestamp < timestamp) continue;
      const known = copies?.endSequence ?? this.end.sequence;
      const next = blocks[i + 1]?.firstSequence ?? known + 1;
      let reached = block.firstSequence - 1;
      const steps = this.walk(index.positionBefore(block), READ_BYTES, copies);
      for await (const { message, meaning, lostBefore } of steps) {
        reached = lostBefore === null ? message.sequence : reached;
        if (message.sequence >= next) break;
        if (meaning.kind !== "batches" || meaning.nextOffset <= first) continue;
        for (const batch of batchesOf(message.payload, meaning)) {
          if (batch.baseOffset >= endOffset) return null;
          if (batch.nextOffset > first && maxTimestampIn(batch.bytes, batch) >= timestamp)
            return Math.max(batch.baseOffset, first);
        }
      }
      // Messages are missing: another broker may have compacted the log.
      if (reached < next - 1) await this.startAfterGap();
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

function* segmentsOf({ blocks }: BlockIndex, endOffset: number): Generator<LogSegment> {
  const ends = blocks.map((_, i) => blocks[i + 1]?.firstOffset ?? endOffset);
  for (const [i, { sizeBytes, newestMs }] of [...blocks].entries()) {
    yield { endOffset: ends[i]!, sizeBytes, newestMs };
  }
}
