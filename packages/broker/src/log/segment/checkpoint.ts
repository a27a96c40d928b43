import { join } from "node:path";
import { int64At, setInt64 } from "@tarpan/protocol";
import type { FileSystem } from "../../env/env.ts";
import { CHECKPOINT_FILE, STATE_FILE } from "./file-names.ts";
import { readSealed, replaceSealed } from "./sealed-file.ts";

const VERSION = 1;
/** Version 1 held the state as JSON. A release that only knows version 1 then ignores the file. */
const STATE_VERSION = 2;
const CHECKPOINT_BYTES = 40;

/**
 * Kafka's recovery point: every batch below `recoveryOffset` was synced to the disk. That offset is
 * at `recoveryPosition` of segment `recoverySegment`, and opening the log scans from there.
 */
export interface LogCheckpoint {
  readonly startOffset: number;
  readonly recoveryOffset: number;
  readonly recoverySegment: number;
  readonly recoveryPosition: number;
  /** Of the batches below `recoveryOffset`, ms; -1 when there are none. */
  readonly maxTimestamp: number;
}

export async function writeCheckpoint(
  fs: FileSystem,
  directory: string,
  checkpoint: LogCheckpoint,
): Promise<void> {
  const payload = new Uint8Array(CHECKPOINT_BYTES);
  const view = new DataView(payload.buffer);
  setInt64(view, 0, checkpoint.startOffset);
  setInt64(view, 8, checkpoint.recoveryOffset);
  setInt64(view, 16, checkpoint.recoverySegment);
  setInt64(view, 24, checkpoint.recoveryPosition);
  setInt64(view, 32, checkpoint.maxTimestamp);
  await replaceSealed(fs, directory, CHECKPOINT_FILE, VERSION, payload);
}

export async function readCheckpoint(
  fs: FileSystem,
  directory: string,
): Promise<LogCheckpoint | "damaged" | null> {
  const payload = await readSealed(fs, join(directory, CHECKPOINT_FILE), VERSION);
  if (payload === null || payload === "damaged") return payload;
  if (payload.byteLength !== CHECKPOINT_BYTES) return "damaged";
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    startOffset: int64At(view, 0),
    recoveryOffset: int64At(view, 8),
    recoverySegment: int64At(view, 16),
    recoveryPosition: int64At(view, 24),
    maxTimestamp: int64At(view, 32),
  };
}

/** Saves the caller's own state as of `offset`. */
export async function writeState(
  fs: FileSystem,
  directory: string,
  offset: number,
  state: Uint8Array,
): Promise<void> {
  const payload = new Uint8Array(8 + state.byteLength);
  setInt64(new DataView(payload.buffer), 0, offset);
  payload.set(state, 8);
  await replaceSealed(fs, directory, STATE_FILE, STATE_VERSION, payload);
}

export async function readState(
  fs: FileSystem,
  directory: string,
): Promise<{ offset: number; state: Uint8Array } | "damaged" | null> {
  const path = join(directory, STATE_FILE);
  const newest = await readSealed(fs, path, STATE_VERSION);
  const payload = newest === "damaged" ? await readSealed(fs, path, VERSION) : newest;
  if (payload === null || payload === "damaged") return payload;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return { offset: int64At(view, 0), state: payload.subarray(8) };
}
