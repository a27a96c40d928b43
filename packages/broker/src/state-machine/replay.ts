import { type DecodedRecord, decodeBatches, encodeBatch } from "@tarpan/protocol";
import type { Log, ReadableLog } from "../log/log.ts";
import { goOn, type NextTurn } from "../util/next-turn.ts";
import { REPLAY_READ_BYTES, REPLAY_SLICE_RECORDS } from "./limits.ts";
import type { EncodedRecord, StateMachine } from "./state-machine.ts";

export interface ReplayProgress {
  /** Next record to be read. */
  readonly offset: number;
  readonly endOffset: number;
}

export interface ReplayOptions {
  /** Waited for between slices. Left out where no other work needs the event loop. */
  readonly nextTurn?: NextTurn | undefined;
  /** Called after each read but the last; a read is a few MiB. */
  readonly onProgress?: ((progress: ReplayProgress) => void) | undefined;
}

/**
 * Reads the whole log into a state. There is no other source: a snapshot is records of the same
 * log, so the first record that a trim has left is where the state begins.
 */
export async function replay<State, Rec>(
  machine: StateMachine<State, Rec>,
  log: ReadableLog,
  options: ReplayOptions = {},
): Promise<State> {
  const from = { state: machine.initial, offset: log.startOffset };
  return (await replayFrom(machine, log, from, options)).state;
}

/**
 * Continues from a state that holds everything below `offset`, up to the current end of the log.
 * The records are applied in slices, each in a turn of its own. A slice holds whole batches: a
 * decision was appended as one, and is applied as one.
 */
export async function replayFrom<State, Rec>(
  machine: StateMachine<State, Rec>,
  log: ReadableLog,
  from: Replay<State>,
  { nextTurn = goOn, onProgress = () => {} }: ReplayOptions = {},
): Promise<Replay<State>> {
  const endOffset = log.endOffset;
  let { state, offset } = from;
  let slice: Rec[] = [];
  while (offset < endOffset) {
    for (const batch of decodeBatches(await log.read(offset, REPLAY_READ_BYTES))) {
      if (!batch.header.isControl) decodeInto(slice, batch.records(), machine);
      offset = batch.header.lastOffset + 1;
      if (slice.length < REPLAY_SLICE_RECORDS || offset >= endOffset) continue;
      state = machine.apply(state, slice);
      slice = [];
      await nextTurn();
    }
    if (offset < endOffset) onProgress({ offset, endOffset });
  }
  return { state: machine.apply(state, slice), offset };
}

function decodeInto<State, Rec>(
  slice: Rec[],
  records: Iterable<DecodedRecord>,
  machine: StateMachine<State, Rec>,
): void {
  for (const record of records) {
    const decoded = machine.decode(record);
    if (decoded !== null) slice.push(decoded);
  }
}

export interface Replay<State> {
  readonly state: State;
  /** Next record to be read. */
  readonly offset: number;
}

/** Appends `records` as one batch: after a crash all of them are there, or none. */
export function appendRecords(
  log: Log,
  leaderEpoch: number,
  timestamp: number,
  records: readonly EncodedRecord[],
): Promise<number> {
  const batch = encodeBatch(records.map(({ key, value }) => ({ key, value, timestamp })));
  return log.append(batch, leaderEpoch);
}
