// A sparse index of a stream by offset and by time, in memory: blocks of consecutive messages.
//
// 1. A block covers the sequences from its first message up to the next block's first message.
// 2. Reading may begin at any block's first message: its offset, epoch and writer are known.

import type { LogPosition } from "./grammar.ts";
import { BLOCK_BYTES, BLOCK_MESSAGES, INDEX_BLOCKS } from "./limits.ts";

export interface Block {
  firstSequence: number;
  firstOffset: number;
  /** Ms; only an upper bound if `deleteBefore` has removed a part of the block. */
  maxTimestamp: number;
  /** The same, but a timestamp counts as at most the time when its message was added. */
  newestMs: number;
  sizeBytes: number;
  messages: number;
}

/** The marker at `sequence` made `writer` the current one. */
export interface TakeOver {
  readonly sequence: number;
  readonly epoch: number;
  readonly writer: string;
}

export class BlockIndex {
  #blocks: Block[];
  #takeOvers: TakeOver[];
  #isClosed = true;
  #sizeBytes = 0;
  #maxTimestamp = -1;
  #addedAtMs = 0;
  readonly #limit: number;

  constructor(blocks: Block[] = [], takeOvers: readonly TakeOver[] = [], limit = INDEX_BLOCKS) {
    this.#blocks = blocks;
    this.#takeOvers = [...takeOvers];
    this.#limit = limit;
    for (const block of blocks) {
      this.#sizeBytes += block.sizeBytes;
      this.#maxTimestamp = Math.max(this.#maxTimestamp, block.maxTimestamp);
    }
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  get maxTimestamp(): number {
    return this.#maxTimestamp;
  }
  get blocks(): readonly Readonly<Block>[] {
    return this.#blocks;
  }
  get takeOvers(): readonly TakeOver[] {
    return this.#takeOvers;
  }

  /** `nowMs` is the wall clock. A block is closed after `blockBytes`. */
  add(
    sequence: number,
    baseOffset: number,
    maxTimestamp: number,
    sizeBytes: number,
    nowMs: number,
    blockBytes = BLOCK_BYTES,
  ): void {
    this.#correctClock(nowMs);
    let block = this.#blocks.at(-1);
    if (this.#isClosed || !block || isFull(block, blockBytes)) {
      if (this.#blocks.length >= this.#limit) this.#blocks = mergePairs(this.#blocks);
      block = {
        firstSequence: sequence,
        firstOffset: baseOffset,
        maxTimestamp: -1,
        newestMs: -1,
        sizeBytes: 0,
        messages: 0,
      };
      this.#blocks.push(block);
      this.#isClosed = false;
    }
    block.messages += 1;
    block.sizeBytes += sizeBytes;
    block.maxTimestamp = Math.max(block.maxTimestamp, maxTimestamp);
    const writtenMs = maxTimestamp < 0 ? nowMs : Math.min(maxTimestamp, nowMs);
    block.newestMs = Math.max(block.newestMs, writtenMs);
    this.#sizeBytes += sizeBytes;
    this.#maxTimestamp = Math.max(this.#maxTimestamp, maxTimestamp);
  }

  /** Blocks that seem to be written later than now were written while the clock was wrong. */
  #correctClock(nowMs: number): void {
    if (nowMs < this.#addedAtMs) {
      for (const block of this.#blocks) block.newestMs = Math.min(block.newestMs, nowMs);
    }
    this.#addedAtMs = nowMs;
  }

  takeOver(takeOver: TakeOver): void {
    this.#takeOvers.push(takeOver);
    this.#isClosed = true;
  }

  /** Index of the block that holds `offset`; -1 when all blocks begin after it. */
  find(offset: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle]!.firstOffset > offset) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }

  /** The position after the messages before a block. */
  positionBefore(block: Readonly<Block>): LogPosition {
    const takeOver = this.#takeOvers.findLast(({ sequence }) => sequence < block.firstSequence);
    return {
      sequence: block.firstSequence - 1,
      nextOffset: block.firstOffset,
      epoch: takeOver?.epoch ?? -1,
      writer: takeOver?.writer ?? "",
    };
  }

  /**
   * Drops everything up to `position`. `cut` says how much of the block at `position` that is; null
   * to estimate it.
   */
  dropUntil(position: LogPosition, cut: { messages: number; sizeBytes: number } | null): void {
    const { sequence, nextOffset } = position;
    let whole = 0;
    while (whole + 1 < this.#blocks.length) {
      if (this.#blocks[whole + 1]!.firstSequence > sequence + 1) break;
      whole += 1;
    }
    for (const block of this.#blocks.splice(0, whole)) this.#sizeBytes -= block.sizeBytes;
    const first = this.#blocks[0];
    if (first && first.firstSequence <= sequence) {
      const { messages, sizeBytes } = cut ?? estimateCut(first, sequence);
      first.firstSequence = sequence + 1;
      first.firstOffset = nextOffset;
      first.messages -= messages;
      first.sizeBytes -= sizeBytes;
      this.#sizeBytes -= sizeBytes;
    }
    const { epoch, writer } = position;
    const kept = this.#takeOvers.filter((takeOver) => takeOver.sequence > sequence);
    this.#takeOvers = [{ sequence, epoch, writer }, ...kept];
  }

  /** At most `limit` blocks, made by merging neighbours. */
  compact(limit: number): readonly Readonly<Block>[] {
    let blocks = this.#blocks;
    while (blocks.length > limit) blocks = mergePairs(blocks);
    return blocks;
  }
}

function isFull({ messages, sizeBytes }: Block, blockBytes: number): boolean {
  return messages >= BLOCK_MESSAGES || sizeBytes >= blockBytes;
}

function estimateCut(block: Block, sequence: number): { messages: number; sizeBytes: number } {
  const messages = Math.min(block.messages, sequence + 1 - block.firstSequence);
  return { messages, sizeBytes: Math.floor((block.sizeBytes * messages) / (block.messages || 1)) };
}

function mergePairs(blocks: readonly Block[]): Block[] {
  const merged: Block[] = [];
  for (let i = 0; i < blocks.length; i += 2) {
    const block = { ...blocks[i]! };
    const next = blocks[i + 1];
    if (next) {
      block.maxTimestamp = Math.max(block.maxTimestamp, next.maxTimestamp);
      block.newestMs = Math.max(block.newestMs, next.newestMs);
      block.sizeBytes += next.sizeBytes;
      block.messages += next.messages;
    }
    merged.push(block);
  }
  return merged;
}
