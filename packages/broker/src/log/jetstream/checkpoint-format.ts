// The format of a log's checkpoint, as the checkpoint stream holds it; see also start-format.ts.
import { viewOf } from "@tarpan/protocol";
import { type Block, BlockIndex, type TakeOver } from "./block-index.ts";
import type { LogPosition } from "./grammar.ts";
import { SAVED_BLOCKS } from "./limits.ts";

export interface StreamCheckpoint {
  /** `state` is the caller's state as of `offset`. */
  readonly offset: number;
  readonly state: Uint8Array;
  /** Set when the state is stored in separate messages; `state` is empty then. */
  readonly parts?: StateParts | undefined;
  /** Where the index ends and a scan continues. */
  readonly position: LogPosition;
  readonly index: BlockIndex;
}

export interface StateParts {
  /** Unique for each save; part of the messages' subjects. */
  readonly saving: string;
  readonly count: number;
  readonly sizeBytes: number;
}

/** Format 1 has no parts, and holds a partition's state as JSON. */
const CHECKPOINT_FORMAT = 2;
const READ_FORMATS: readonly unknown[] = [1, CHECKPOINT_FORMAT];
const BLOCK_BYTES = 40;

interface Head {
  readonly format: number;
  readonly offset: number;
  readonly position: LogPosition;
  readonly takeOvers: readonly TakeOver[];
  readonly blocks: number;
  /** Number of a block, and its newestMs where that is not its maxTimestamp. */
  readonly newest?: readonly (readonly [block: number, newestMs: number])[];
  readonly parts?: StateParts | undefined;
}

/** Encodes as: length of the head, head (JSON), blocks, state. */
export function encodeCheckpoint({
  offset,
  state,
  parts,
  position,
  index,
}: StreamCheckpoint): Uint8Array {
  const blocks = index.compact(SAVED_BLOCKS);
  const head: Head = {
    format: CHECKPOINT_FORMAT,
    offset,
    position,
    takeOvers: index.takeOvers,
    blocks: blocks.length,
    newest: newestOf(blocks),
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

/** Null for an unknown format: the log is then scanned from its start. */
export function decodeCheckpoint(bytes: Uint8Array): StreamCheckpoint | null {
  const view = viewOf(bytes);
  const jsonBytes = view.getUint32(0);
  const head = parse(bytes.subarray(4, 4 + jsonBytes));
  if (head === null || !READ_FORMATS.includes(head.format)) return null;
  const blocks: Block[] = [];
  let at = 4 + jsonBytes;
  for (let i = 0; i < head.blocks; i++, at += BLOCK_BYTES)
    blocks.push({
      firstSequence: view.getFloat64(at),
      firstOffset: view.getFloat64(at + 8),
      maxTimestamp: view.getFloat64(at + 16),
      newestMs: view.getFloat64(at + 16),
      sizeBytes: view.getFloat64(at + 24),
      messages: view.getFloat64(at + 32),
    });
  for (const [i, newestMs] of head.newest ?? []) blocks[i]!.newestMs = newestMs;
  const index = new BlockIndex(blocks, head.takeOvers);
  const { offset, position, parts } = head;
  return { offset, position, state: bytes.slice(at), parts, index };
}

function newestOf(blocks: readonly Readonly<Block>[]): [number, number][] {
  return [...blocks.entries()].flatMap(([i, { maxTimestamp, newestMs }]) =>
    newestMs === maxTimestamp ? [] : [[i, newestMs]],
  );
}

function parse(json: Uint8Array): Head | null {
  try {
    return JSON.parse(new TextDecoder().decode(json)) as Head;
  } catch {
    return null;
  }
}
