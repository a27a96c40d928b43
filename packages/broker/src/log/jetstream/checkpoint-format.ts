// What is kept beside a log, in the stream of checkpoints.
import { viewOf } from "@tarpan/protocol";
import { type Block, BlockIndex, type TakeOver } from "./block-index.ts";
import type { LogPosition } from "./grammar.ts";

export interface Checkpoint {
  /** The state machine's, and the offset it is of. */
  readonly offset: number;
  readonly state: Uint8Array;
  /** Set where the state lies in messages of its own; `state` is empty then. */
  readonly parts?: StateParts | undefined;
  /** Where the index ends: a scan goes on from there. */
  readonly position: LogPosition;
  readonly index: BlockIndex;
}

export interface StateParts {
  /** Names the messages. */
  readonly saving: string;
  readonly count: number;
  readonly sizeBytes: number;
}

/** Where a log starts; written before what lies before is purged. */
export interface LogStart {
  readonly startOffset: number;
  /** What the messages before the first one that is kept come to. */
  readonly position: LogPosition;
}

/** Under 1 there are no parts, and the state of a partition is JSON. */
const CHECKPOINT_FORMAT = 2;
const READ_FORMATS: readonly unknown[] = [1, CHECKPOINT_FORMAT];
const START_FORMAT = 1;
const SAVED_BLOCKS = 2048;
const BLOCK_BYTES = 40;

interface Head {
  readonly format: number;
  readonly offset: number;
  readonly position: LogPosition;
  readonly takeOvers: readonly TakeOver[];
  readonly blocks: number;
  readonly parts?: StateParts | undefined;
}

/** Bytes: length of the head, head (JSON), blocks, state. */
export function encodeCheckpoint({
  offset,
  state,
  parts,
  position,
  index,
}: Checkpoint): Uint8Array {
  const blocks = index.compact(SAVED_BLOCKS);
  const head: Head = {
    format: CHECKPOINT_FORMAT,
    offset,
    position,
    takeOvers: index.takeOvers,
    blocks: blocks.length,
    parts,
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(4 + json.length + blocks.length * BLOCK_BYTES + state.length);
  const view = viewOf(bytes);
  view.setUint32(0, json.length);
  bytes.set(json, 4);
  let at = 4 + json.length;
  for (const block of blocks) {
    view.setFloat64(at, block.firstSequence);
    view.setFloat64(at + 8, block.firstOffset);
    view.setFloat64(at + 16, block.maxTimestamp);
    view.setFloat64(at + 24, block.sizeBytes);
    view.setFloat64(at + 32, block.messages);
    at += BLOCK_BYTES;
  }
  bytes.set(state, at);
  return bytes;
}

/** Null for what this version does not know: the log is then scanned from its start. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint | null {
  const view = viewOf(bytes);
  const jsonBytes = view.getUint32(0);
  const head = parse<Head>(bytes.subarray(4, 4 + jsonBytes));
  if (head === null || !READ_FORMATS.includes(head.format)) return null;
  const blocks: Block[] = [];
  let at = 4 + jsonBytes;
  for (let i = 0; i < head.blocks; i++, at += BLOCK_BYTES)
    blocks.push({
      firstSequence: view.getFloat64(at),
      firstOffset: view.getFloat64(at + 8),
      maxTimestamp: view.getFloat64(at + 16),
      sizeBytes: view.getFloat64(at + 24),
      messages: view.getFloat64(at + 32),
    });
  const index = new BlockIndex(blocks, head.takeOvers);
  const { offset, position, parts } = head;
  return { offset, position, state: bytes.slice(at), parts, index };
}

export function encodeStart(start: LogStart): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: START_FORMAT, ...start }));
}

export function decodeStart(bytes: Uint8Array): LogStart | null {
  const start = parse<LogStart & { format: number }>(bytes);
  if (start?.format !== START_FORMAT) return null;
  return { startOffset: start.startOffset, position: start.position };
}

function parse<T>(json: Uint8Array): T | null {
  try {
    return JSON.parse(new TextDecoder().decode(json)) as T;
  } catch {
    return null;
  }
}
